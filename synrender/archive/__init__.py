"""Packs a folder of small files into HDF5. Nothing that runs in Blender imports this."""
