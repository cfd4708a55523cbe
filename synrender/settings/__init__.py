"""Gin names -> frozen dataclasses, with their bounds, and the tables of factors and labels."""
