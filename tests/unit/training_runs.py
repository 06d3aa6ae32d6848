"""A training of a small network on the small corpus, as the rule makes it."""

from collections.abc import Mapping

import pandas as pd

from kinema.config import Settings
from kinema.models.checkpoint import Checkpoint, load_checkpoint
from kinema.training.run import train


def run_training(
    prepared, folder, recipe: Settings, model: str = "test_efficientnet_vtn", starts: Mapping[str, str] | None = None
) -> tuple[Checkpoint, pd.DataFrame]:
    """The model that is written to `folder`, and its curve."""
    folder.mkdir(exist_ok=True)
    train(
        clips=prepared / "clips.parquet",
        model=model,
        settings=recipe,
        out=folder / "model.pth",
        starts=starts or {},
        history=folder / "training.csv",
        record=folder / "training.json",
        work=folder / "work",
        logs=folder / "logs",
        code="1",
        threads=1,
    )
    return load_checkpoint(folder / "model.pth"), pd.read_csv(folder / "training.csv")
