"""Model names, encoders and decoders, and the networks made of them; files of weights are read in `loading`."""
