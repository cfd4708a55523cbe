"""Proof of a finished data set's labels by a second, independent renderer.

Nothing here may import `synrender.blender`, `synrender.camera` or `synrender.sampling`, directly or
through another module: what made the labels cannot prove them. Only the names of files and the
reading of them are shared (`synrender.dataset`, `synrender.images`). A test walks the imports.
"""
