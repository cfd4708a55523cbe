"""Checks a finished data set's labels with a second, independent renderer.

Nothing here may import `synrender.blender`, `synrender.sampling.camera` or `synrender.sampling.sample_plan`, directly or
through another module: the code that made the labels must not check them. Only file names and file
readers are shared (`synrender.dataset`, `synrender.images`). A test checks the imports.
"""
