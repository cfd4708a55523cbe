"""The only package that imports bpy. Call `synrender.embedding.prepare_blender` before it."""
