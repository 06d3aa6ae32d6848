"""model.pth + clip index -> evaluation.json and predictions.parquet."""
