"""Shards -> clip index -> uint8 clips: which frames a clip has, how it is read and augmented."""
