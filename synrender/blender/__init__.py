"""The only room that imports bpy. Call `synrender.embedding.prepare_blender` before it."""
