"""predictions.parquet of each fold -> what was said of every video by a model that was not trained on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kinema.evaluation.class_scores import counted, macro_f1
from kinema.evaluation.schema import PREDICTIONS
from kinema.experiment.folds import Fold
from kinema.input_error import InputError
from kinema.records.training import Training

# Of a fold everything is testing; its confidences are calibrated on the very videos; and evidence is large.
LEFT_OUT = ("subset", "confidence", "evidence")
OUT_OF_FOLD = pa.schema(
    [
        *(field for field in PREDICTIONS if field.name not in LEFT_OUT),
        pa.field("fold", pa.int32(), nullable=False),  # that the video was held out in
        pa.field("seed", pa.int64(), nullable=False),  # of the training
    ],
    metadata=PREDICTIONS.metadata,
)


@dataclass(frozen=True)
class FoldAnswers:
    """What a training says of the videos that were held out: schema OUT_OF_FOLD, all of them with a label."""

    fold: Fold
    rows: pa.Table
    training: Training


def read_answers(folder: Path, fold: Fold) -> FoldAnswers:
    """Read what lies in the folder of a fold; InputError where that is no such file."""
    path = folder / "predictions.parquet"
    names = [field.name for field in OUT_OF_FOLD if field.name not in ("fold", "seed")]
    try:
        rows = pq.read_table(path, columns=names)
    except (OSError, pa.ArrowException) as error:
        text = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read: {text}; delete it and run snakemake, which makes it anew") from None
    for name, value in (("fold", fold.number), ("seed", fold.seed)):
        rows = rows.append_column(name, pa.array([value] * len(rows), pa.int64()))
    return FoldAnswers(fold, rows.cast(OUT_OF_FOLD), Training.read(folder / "training.json"))


def joined_rows(answers: Sequence[FoldAnswers]) -> pa.Table:
    """All of them, by video and seed."""
    rows = pa.concat_tables([one.rows for one in answers])
    return rows.sort_by([("video", "ascending"), ("seed", "ascending")])


@dataclass(frozen=True)
class Told:
    """True and predicted class of answers, (A,), and whether the true one is among the five most probable, (A,)."""

    labels: np.ndarray
    predicted: np.ndarray
    in_five: np.ndarray
    num_classes: int

    @classmethod
    def of(cls, rows: pa.Table, labels: Sequence[str]) -> "Told":
        """By rows of OUT_OF_FOLD; InputError where a class is none of `labels`."""
        known = pa.array(list(labels))
        numbers = [pc.index_in(rows[name].combine_chunks(), known) for name in ("label", "predicted")]
        if any(one.null_count for one in numbers):
            raise InputError("the folds do not have the same classes; run snakemake again, which makes the stale ones")
        true, predicted = (one.to_numpy() for one in numbers)
        return cls(true, predicted, rows["rank"].to_numpy() <= 5, len(labels))

    @property
    def counts(self) -> np.ndarray:
        """Number of answers by true class (rows) and predicted class (columns), (K, K)."""
        return counted(self.labels, self.predicted, self.num_classes)

    def numbers(self) -> dict[str, float]:
        """The four numbers of the record."""
        counts = self.counts
        own = counts.sum(axis=1)
        return {
            "video_top1": float((self.labels == self.predicted).mean()),
            "video_top5": float(self.in_five.mean()),
            "mean_class_accuracy": float((np.diagonal(counts)[own > 0] / own[own > 0]).mean()),
            "macro_f1": macro_f1(counts),
        }
