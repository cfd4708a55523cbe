"""Image files: size and damage, PNG and EXR, and conversions of pixel values."""
