"""Proof of a finished data set's labels by a second, independent renderer.

Nothing here may use `synrender.blender`, `synrender.camera` or `synrender.sampling`: what made the
labels cannot prove them. Only the names of files and the reading of them are shared.
"""
