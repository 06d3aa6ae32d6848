"""The clips of a data set as two files with the same rows: clips.parquet for people, clips.arrow for loaders.

Rows are sorted by subset, video and clip. In the Parquet file a subset is a row group of its own, in the Arrow file one
record batch with its strings dictionary-encoded: opening it maps memory and reads next to nothing, and all processes
that open it share the pages.
"""

import json
import os
import tempfile
import weakref
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kinema.clips.windows import enumerate_clips, num_clips_asked
from kinema.disk import full_disk_named
from kinema.experiment.data_sections import Clip
from kinema.files import atomic_path
from kinema.input_error import InputError
from kinema.words import UNLABELLED_TOO, unscored

SCHEMA = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("label", pa.string()),  # null: a testing video may have none
        pa.field("label_index", pa.int32(), nullable=False),  # position in the labels, -1 where it has none
        pa.field("subset", pa.string(), nullable=False),  # training, validation, testing
        pa.field("group", pa.string()),  # given by the annotation, else read from the name; null: none
        pa.field("clip", pa.int32(), nullable=False),  # number of the clip within its video, from 0
        pa.field("start", pa.int32(), nullable=False),  # first frame at the pace of the clips, or -1: random
        pa.field("num_frames", pa.int32(), nullable=False),  # of the whole video
        pa.field("fps", pa.float64()),  # frames per second of these; null: not known
        pa.field("seconds", pa.float64()),  # how long they last, where not all of them as long; else null
        pa.field("times_digest", pa.string()),  # of the times of these, which are in the shard's table; else null
        pa.field("frames_digest", pa.string(), nullable=False),  # of the bytes of its frames
        pa.field("shard", pa.string(), nullable=False),  # path of the shard's Parquet table, which has a row a video
        pa.field("flow_shard", pa.string()),  # that of the optical flow of the same video, where there is both
    ]
)
VIDEO_SCHEMA = pa.schema([field for field in SCHEMA if field.name not in ("clip", "start")])


def write_clips(videos: pa.Table, out: Path, *, labels: list[str], clip: Clip) -> pa.Table:
    """Write `out` (clips.parquet) and the Arrow file beside it; returns the rows, schema SCHEMA.

    `videos` has one row a video and the columns of VIDEO_SCHEMA.
    """
    rows = enumerate_clips(videos.sort_by([("subset", "ascending"), ("video", "ascending")]), clip)
    rows = rows.select(SCHEMA.names).cast(SCHEMA).replace_schema_metadata(_metadata(labels, clip))
    with atomic_path(out) as table, atomic_path(mapped_path(out)) as mapped:
        with pq.ParquetWriter(table, rows.schema) as writer:
            for part in _by_subset(rows).values():
                writer.write_table(part)
        _write_mapped(rows, mapped, labels=labels, clip=clip)
    return rows


def mapped_path(clips_path: Path) -> Path:
    """The Arrow file that belongs to a clips.parquet."""
    return clips_path.with_suffix(".arrow")


def parts_path(clips_path: Path) -> Path:
    """The digests that belong to a clips.parquet: `kinema.clips.parts`."""
    return clips_path.with_suffix(".json")


def subsets_of(clips_path: Path) -> list[str]:
    """Subsets that have a video, sorted."""
    return json.loads(_open(mapped_path(clips_path)).schema.metadata[b"subsets"])


def labelled_subsets(clips_path: Path) -> list[str]:
    """Subsets with a video that has a label, sorted."""
    path = mapped_path(clips_path)
    return [subset for subset in subsets_of(clips_path) if (ClipIndex(path, subset).label_index >= 0).any()]


def check_scored(clips_path: Path, scored: Sequence[Sequence[str]]) -> None:
    """InputError where a model is to be scored and no usable video is there for it.

    `scored` holds for each such model the subsets of which one is needed.
    """
    there = {*labelled_subsets(clips_path), *(f"{name}{UNLABELLED_TOO}" for name in subsets_of(clips_path))}
    lacking = next((subsets for subsets in scored if there.isdisjoint(subsets)), None)
    if lacking:
        report = clips_path.with_name("dataset_report.md")
        raise InputError(f"{clips_path}: {unscored(lacking)} {report} says what became of the videos.")


def labels_of(clips_path: Path) -> list[str]:
    """Labels of the data set, in the order of their classes."""
    return json.loads(_open(mapped_path(clips_path)).schema.metadata[b"labels"])


class ClipIndex:
    """Clips of one subset in mapped memory: columns are arrays (N,), and row i is clip i.

    A pickled index is the name of its file, so that the copy of a loader worker maps the same pages. `video_number`
    counts the videos of the whole data set; `videos` holds their names.
    """

    def __init__(self, path: Path, subset: str):
        reader = _open(path)
        metadata = reader.schema.metadata
        subsets = json.loads(metadata[b"subsets"])
        if subset not in subsets:
            raise ValueError(f"{path}: no clip of the subset {subset}; there are clips of {', '.join(subsets)}")
        self.path, self.subset = path, subset
        self.labels: list[str] = json.loads(metadata[b"labels"])
        self.clip = Clip.model_validate_json(metadata[b"clip"])
        self.rows: pa.RecordBatch = reader.get_batch(subsets.index(subset))

    @classmethod
    def load(
        cls, clips_path: Path, *, subset: str, clip: Clip, labelled: bool = False, is_spaced: bool = False
    ) -> "ClipIndex":
        """Clips of a subset of clips.parquet; with `labelled` only those of videos that have a label.

        With `is_spaced` training clips are those that a validation video would have. Clips of another length or number
        than the file has are enumerated afresh, into a temporary file that is there as long as this index. Raises
        ValueError where there is no such clip.
        """
        index = cls(mapped_path(clips_path), subset)
        rows = pa.Table.from_batches([index.rows])
        if labelled and (index.label_index < 0).any():
            rows = rows.filter(pc.field("label_index") >= 0)
        if (is_spaced and subset == "training") or not _same_clips(subset, index.clip, clip):
            videos = rows.filter(pc.field("clip") == 0).drop_columns(["clip", "start"])
            rows = enumerate_clips(videos, clip, is_spaced=is_spaced)
            rows = rows.select(SCHEMA.names)
        elif len(rows) == len(index):
            return index
        if not len(rows):
            raise ValueError(f"{clips_path}: no video of the subset {subset} has a label")
        return cls._temporary(rows, index.labels, clip)

    @classmethod
    def _temporary(cls, rows: pa.Table, labels: list[str], clip: Clip) -> "ClipIndex":
        with full_disk_named(Path(tempfile.gettempdir()) / "kinema-clips"):
            descriptor, name = tempfile.mkstemp(prefix="kinema-clips-", suffix=".arrow")
            os.close(descriptor)
            try:
                _write_mapped(rows, Path(name), labels=labels, clip=clip)
                index = cls(Path(name), rows["subset"][0].as_py())
            except BaseException:
                Path(name).unlink()
                raise
        # a forked worker inherits the index; its end must not take the file from the others
        weakref.finalize(index, _remove, Path(name), os.getpid())
        return index

    def __reduce__(self):
        return ClipIndex, (self.path, self.subset)

    def __len__(self) -> int:
        return self.rows.num_rows

    @cached_property
    def label_index(self) -> np.ndarray:
        """Position of the label in `labels`, -1 without one."""
        return self.rows["label_index"].to_numpy()

    @cached_property
    def start(self) -> np.ndarray:
        """First frame, at the pace of the clips, or RANDOM_START."""
        return self.rows["start"].to_numpy()

    @cached_property
    def num_frames(self) -> np.ndarray:
        """Frames of the whole video."""
        return self.rows["num_frames"].to_numpy()

    @cached_property
    def fps(self) -> np.ndarray:
        """Frames per second of the whole video, NaN where that is not known."""
        return self.rows["fps"].to_numpy(zero_copy_only=False)

    def times_digest(self, row: int) -> str | None:
        """Of the times of the frames of the clip's video; None where they follow each other at a constant rate."""
        return self.rows["times_digest"][row].as_py()

    @cached_property
    def video_number(self) -> np.ndarray:
        """Number of the video in `videos`; clips of one video lie together."""
        return self.rows["video"].indices.to_numpy()

    @cached_property
    def videos(self) -> pa.StringArray:
        """Names of the videos by number."""
        return self.rows["video"].dictionary

    @cached_property
    def shards(self) -> list[Path]:
        """Tables of the shards by number."""
        return [Path(name) for name in self.rows["shard"].dictionary.to_pylist()]

    @cached_property
    def shard_number(self) -> np.ndarray:
        """Number of the shard in `shards`."""
        return self.rows["shard"].indices.to_numpy()

    def video(self, row: int) -> str:
        """Name of the clip's video."""
        return self.videos[int(self.video_number[row])].as_py()

    def shard(self, row: int) -> Path:
        """Table of the shard that holds the clip's video."""
        return self.shards[self.shard_number[row]]

    @cached_property
    def has_both(self) -> bool:
        """Whether there is optical flow in shards of its own beside the pictures."""
        return self.rows["flow_shard"].null_count < len(self)

    def times_table(self, row: int) -> Path:
        """Table of the shard that has the times of the frames as clips count them: of both modalities, the flow's."""
        return self.table(row, "flow" if self.has_both else "rgb")

    def table(self, row: int, modality: str) -> Path:
        """Table of the shard that holds the clip's video in this modality."""
        return Path(self.rows["flow_shard"][row].as_py()) if self.has_both and modality == "flow" else self.shard(row)


def _open(path: Path) -> pa.RecordBatchFileReader:
    try:
        return pa.ipc.open_file(pa.memory_map(str(path)))
    except FileNotFoundError:
        table = path.with_suffix(".parquet")
        raise ValueError(
            f"{path}: no such file, but it is written with {table}: delete that and run snakemake, which makes both."
        ) from None


def _same_clips(subset: str, one: Clip, other: Clip) -> bool:
    """Whether two settings give a subset the same rows; where training clips start is drawn later."""
    if num_clips_asked(subset, one) != num_clips_asked(subset, other):
        return False
    spans = [(clip.length * clip.stride, clip.fps) for clip in (one, other)]
    return subset == "training" or spans[0] == spans[1]


def _by_subset(rows: pa.Table) -> dict[str, pa.Table]:
    """The rows of each subset, from a table sorted by it."""
    parts, offset = {}, 0
    for found in rows["subset"].value_counts().to_pylist():  # in order of appearance
        parts[found["values"]] = rows.slice(offset, found["counts"])
        offset += found["counts"]
    return parts


def _write_mapped(rows: pa.Table, path: Path, *, labels: list[str], clip: Clip) -> None:
    """Rows sorted by subset as an Arrow file with one record batch a subset."""
    columns = [column.dictionary_encode() if column.type == pa.string() else column for column in rows.columns]
    rows = pa.table(columns, names=rows.column_names).unify_dictionaries().combine_chunks()
    parts = _by_subset(rows)
    metadata = {**_metadata(labels, clip), "subsets": json.dumps(list(parts))}
    schema = rows.schema.with_metadata(metadata)
    with pa.ipc.new_file(path, schema) as file:
        for part in parts.values():
            file.write_table(part.replace_schema_metadata(metadata))


def _metadata(labels: list[str], clip: Clip) -> dict[str, str]:
    return {"labels": json.dumps(labels), "clip": clip.model_dump_json()}


def _remove(path: Path, owner: int) -> None:
    if os.getpid() == owner:
        path.unlink(missing_ok=True)
