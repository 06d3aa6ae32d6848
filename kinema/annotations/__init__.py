"""Annotation lists of any origin -> one JSON dialect."""
