"""Targets that are pages about a whole data set: no model is behind them."""

import os

REPORT_FOLDER = "report"  # of a data set or of a model


def is_data_page(target: str) -> bool:
    """Whether a target is `results/<dataset>/report/...`, which has as many parts as a file of a model."""
    parts = os.path.relpath(target).split("/")
    return len(parts) == 4 and parts[0] == "results" and parts[2] == REPORT_FOLDER
