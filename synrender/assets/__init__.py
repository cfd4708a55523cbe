"""Where models and textures come from."""
