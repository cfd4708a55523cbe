"""Which model kills processes: for render.py and the fan-out alike."""
