"""Captions: true sentences about a sample, and false ones that differ in one fact.

`scene_facts` finds what is true with a margin, `sentences` writes it by the patterns of a style,
and `negatives` changes one fact. All are pure functions of the record and of labels of its pixels.

The audit checks captions with its own code, so it imports nothing from this folder.
"""
