"""Model names, encoders, decoders and the checkpoints that carry them."""
