"""Host side: from a folder of small files to HDF5. Nothing that runs in Blender imports this."""
