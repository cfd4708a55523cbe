"""Host side: reading a data set for training. `synrender.open_dataset` is the way in."""
