"""Cross-validation: the videos of a data set, dealt to folds, and what models said of those that they did not see."""
