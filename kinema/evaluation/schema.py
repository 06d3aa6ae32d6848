"""The columns of predictions.parquet, which docs/predictions.md describes.

A column more or less, or another meaning of one, is another version.
"""

import pyarrow as pa

VERSION = 3  # 1 had no version, and the first seven columns alone; 2 had labelled videos of one subset
VERSION_KEY = b"kinema.predictions"  # in the metadata of the file
NUMBERS = pa.list_(pa.float32())
EVIDENCE = pa.struct(
    [
        pa.field("frames", pa.list_(pa.int32())),  # numbers of the distinct frames of its clips, ascending
        pa.field("seconds", NUMBERS),  # when each is, since the beginning of the stored frames
        pa.field("counts", pa.list_(pa.int32())),  # how often each is in a clip
        pa.field("labels", pa.list_(pa.string())),  # the five most probable classes, then the true one where it is none
        pa.field("logits", pa.list_(NUMBERS)),  # for each of these, of each frame
        pa.field("log_totals", NUMBERS),  # logarithm of the sum of exp(logit) over all classes, of each frame
    ]
)
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
        pa.field("evidence", EVIDENCE),  # null: the network has none, or it was not asked for
    ],
    metadata={VERSION_KEY: str(VERSION)},
)
