"""Pages about models and data sets: one HTML file each, which needs no network."""
