"""A sweep: combinations of settings of one model, and which of them is the best."""
