"""The models of a data set side by side, those that were scored on the same videos in an order."""
