"""Confusion matrix -> a picture of which class is taken for which."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kinema.files import atomic_path

MAX_NAMED_CLASSES = 60
MAX_NUMBERED_CLASSES = 20


def plot_confusion(path: Path, counts: np.ndarray, labels: list[str]) -> None:
    """Write a confusion matrix as a PNG: colour is the fraction of the true class, text the number of videos."""
    share = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    side = min(16.0, 3.5 + 0.35 * min(len(labels), MAX_NAMED_CLASSES))
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="fraction of the true class", shrink=0.8)
    axes.set(xlabel="predicted", ylabel="true", title=f"{int(counts.sum())} videos, {np.trace(counts)} right")
    if len(labels) <= MAX_NAMED_CLASSES:
        axes.set_xticks(range(len(labels)), labels, rotation=60, ha="right")
        axes.set_yticks(range(len(labels)), labels)
    if len(labels) <= MAX_NUMBERED_CLASSES:
        for true, predicted in np.argwhere(counts):
            colour = "white" if share[true, predicted] > 0.5 else "black"
            axes.text(predicted, true, counts[true, predicted], ha="center", va="center", color=colour)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
