"""`kinema benchmark`: how fast the files of a model answer on this machine, and which to use."""
