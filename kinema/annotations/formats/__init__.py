"""Readers of lists, a module each: the files of a list -> the dialect."""
