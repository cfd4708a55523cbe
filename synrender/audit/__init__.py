"""Checks a finished data set's labels with a second, independent renderer.

Nothing here may import `synrender.blender`, `synrender.camera` or `synrender.sampling`, directly or
through another module: the code that made the labels must not check them. Only file names and file
readers are shared (`synrender.dataset`, `synrender.images`). A test checks the imports.
"""
