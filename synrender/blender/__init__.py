"""The only package that imports bpy. Call `synrender.blender.start.prepare_blender` before it."""
