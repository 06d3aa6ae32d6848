"""The columns of predictions.parquet, which docs/predictions.md describes.

A column more or less, or another meaning of one, is another version.
"""

import pyarrow as pa

VERSION = 3  # 1 had no version, and the first seven columns alone; 2 had labelled videos of one subset
VERSION_KEY = b"kinema.predictions"  # in the metadata of the file
NUMBERS = pa.list_(pa.float32())
PREDICTIONS = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("subset", pa.string(), nullable=False),
        pa.field("label", pa.string()),  # null: the list has none
        pa.field("predicted", pa.string(), nullable=False),
        pa.field("correct", pa.bool_()),  # null without a label
        pa.field("probability", pa.float32(), nullable=False),  # of the predicted class
        pa.field("confidence", pa.float32(), nullable=False),  # the same, calibrated
        pa.field("num_clips", pa.int32(), nullable=False),
        pa.field("probabilities", NUMBERS, nullable=False),  # mean over clips, in the order of the labels
        pa.field("rank", pa.int32()),  # of the true class, from 1; null without a label
        pa.field("agreement", pa.float32(), nullable=False),  # share of the clips that name the predicted class
        pa.field("top5_labels", pa.list_(pa.string()), nullable=False),
        pa.field("top5_probabilities", NUMBERS, nullable=False),
        pa.field("logits", NUMBERS, nullable=False),  # mean over clips, in the order of the labels
        pa.field("group", pa.string()),  # null: none is known
        pa.field("path", pa.string(), nullable=False),  # of the source file
    ],
    metadata={VERSION_KEY: str(VERSION)},
)
