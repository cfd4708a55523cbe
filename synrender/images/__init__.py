"""Image files: integrity, PNG and EXR, colour."""
