"""predictions.parquet: what a model says of each video."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kinema.files import atomic_path
from kinema.metrics import VideoScores

PREDICTIONS = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("predicted", pa.string(), nullable=False),
        pa.field("correct", pa.bool_(), nullable=False),
        pa.field("probability", pa.float32(), nullable=False),  # of the predicted class
        pa.field("num_clips", pa.int32(), nullable=False),
        pa.field(
            "probabilities", pa.list_(pa.float32()), nullable=False
        ),  # mean over clips, in the order of the labels
    ]
)


def write_predictions(path: Path, videos: VideoScores, *, names: list[str], labels: list[str]) -> None:
    """One row a video, schema PREDICTIONS; `names` are in the order of `videos`."""
    predicted = videos.probabilities.argmax(axis=1)
    rows = pd.DataFrame(
        {
            "video": names,
            "label": [labels[number] for number in videos.labels],
            "predicted": [labels[number] for number in predicted],
            "correct": predicted == videos.labels,
            "probability": videos.probabilities.max(axis=1).astype(np.float32),
            "num_clips": videos.num_clips.astype(np.int32),
            "probabilities": list(videos.probabilities.astype(np.float32)),
        }
    )
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pandas(rows, schema=PREDICTIONS, preserve_index=False), temporary)
