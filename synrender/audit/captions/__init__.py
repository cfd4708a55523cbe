"""Checks of captions: reads each sentence back, and compares what it says with what rays hit."""
