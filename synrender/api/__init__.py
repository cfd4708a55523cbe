"""What `synrender` offers to scripts and notebooks. Blender runs in a process of its own."""
