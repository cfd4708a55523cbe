"""Helpers for users of the data sets."""

from __future__ import annotations

from synrender.images.resize import img_read_and_resize, img_resize

__all__ = ["img_read_and_resize", "img_resize"]
