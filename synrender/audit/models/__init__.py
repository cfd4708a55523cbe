"""Reads model files, by code that the renderer does not use: faces, colors and textures."""
