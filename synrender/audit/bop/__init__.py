"""Audit of data sets in BOP format."""
