"""Raw videos -> shards of JPEG frames; which file is which video, and what became of each."""
