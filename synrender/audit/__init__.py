"""Checks a finished data set's labels with a second, independent renderer.

Nothing here imports `synrender.blender`, `synrender.sampling` or `synrender.labels`, directly or
through another module: the code that made the labels must not check them. Only file names and file
readers are shared (`synrender.dataset`, `synrender.images`). A test checks the imports.
"""
