"""Records: JSON files that people and other programs read. Those of results have a class each, which writes and reads.

Nothing here is heavy: the standard library only.
"""
