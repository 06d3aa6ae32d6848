"""The embedded default: a rendered motion data set that needs no download."""
