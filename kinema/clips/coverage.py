"""Annotation + shard tables -> one row a listed video: what it is and what became of it.

A video is ok, missing (no file), or failed (for a reason); none drops out without a row.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kinema.annotations.groups import groups_of
from kinema.clips.pairing import paired

PREPARED_COLUMNS = {
    "id": "video",
    **{name: name for name in ("status", "reason", "detail", "path", "duplicates", "content")},
    **{name: name for name in ("num_frames", "fps", "duration_seconds", "truncated", "num_bytes", "frames_digest")},
    **{name: name for name in ("is_even", "times_digest")},
}


def read_coverage(annotation_path: Path, table_paths: Sequence[Path]) -> tuple[list[str], pd.DataFrame]:
    """The labels, and one row a listed video in the order of the annotation, with what its shard says of it.

    Columns beside those of the shard tables: video, subset, label and label_index (missing and -1 without a label),
    group, source (the file's name where several entries are parts of one file, else the video), seconds (how long
    its frames last, where they do not follow each other at a constant rate, else missing), shard and flow_shard
    (missing but where there are shards of pictures and of flow, `kinema.clips.pairing`). `reason` is missing where the
    status is ok. ValueError where a video is in no shard.
    """
    labels, listed = _read_annotation(annotation_path)
    videos = listed.merge(_read_prepared(table_paths), on="video", how="left", validate="one_to_one")
    unknown = videos["status"].isna()
    if unknown.any():
        raise ValueError(
            f"{unknown.sum()} videos of the annotation are in no shard, such as '{videos['video'][unknown].iloc[0]}'; "
            "the shards belong to another list: run the plan again (snakemake --forcerun plan)"
        )
    videos[["num_frames", "num_bytes"]] = videos[["num_frames", "num_bytes"]].fillna(0).astype("int64")
    videos["seconds"] = videos["duration_seconds"].astype("float64").where(videos["times_digest"].notna())
    # "missing" needs no further reason
    videos["reason"] = videos["reason"].fillna(videos["status"].where(videos["status"] != "ok"))
    return labels, videos


def _read_annotation(path: Path) -> tuple[list[str], pd.DataFrame]:
    dialect = json.loads(path.read_text(encoding="utf-8"))
    labels, database = dialect["labels"], dialect["database"]
    columns = ["subset", "annotations", "group", "video"]
    entries = pd.DataFrame.from_records(list(database.values()), columns=columns)
    video = pd.Series(list(database), dtype="str")
    listed = pd.DataFrame(
        {
            "video": video,
            "subset": entries["subset"].astype("str"),
            "label": entries["annotations"].str.get("label").astype("str"),
            "source": entries["video"].fillna(video).astype("str"),
        }
    )
    listed["label_index"] = pd.Index(labels, dtype="str").get_indexer(listed["label"]).astype("int32")
    given = entries["group"].astype("str")
    # who names some groups has said what a group is
    listed["group"] = given if given.notna().any() else groups_of(listed["source"]).astype("str")
    return labels, listed


def _read_prepared(tables: Sequence[Path]) -> pd.DataFrame:
    """What became of the videos in these shards, whether they are of one modality or of both."""
    by_modality: dict[str, list[Path]] = {}
    for path in tables:
        media = json.loads(pq.read_schema(path).metadata[b"media"])
        by_modality.setdefault(media["modality"], []).append(path)
    if len(by_modality) == 1:
        return _read_shards(tables).assign(flow_shard=None)
    return paired(*(_read_shards(by_modality[modality]) for modality in ("rgb", "flow")))


def _read_shards(shards: Sequence[Path]) -> pd.DataFrame:
    """The columns of interest of all shard tables; the offsets of the frames, by far the largest, are not read."""
    parts = []
    for path in shards:
        part = _columns(path)
        others = part["duplicates"]
        # an empty list costs as much memory as a full one, and nearly all are empty
        others = pc.if_else(pc.greater(pc.list_value_length(others), 0), others, None)
        part = part.set_column(part.column_names.index("duplicates"), "duplicates", others)
        shard = pa.DictionaryArray.from_arrays(pa.array([0] * len(part), pa.int32()), [str(path)])
        parts.append(part.append_column("shard", shard))
    table = pa.concat_tables(parts).unify_dictionaries().rename_columns([*PREPARED_COLUMNS.values(), "shard"])
    return table.to_pandas()


def _columns(path: Path) -> pa.Table:
    """The columns of interest of a table; those that an earlier version did not have are null."""
    file = pq.ParquetFile(path)
    part = file.read([name for name in PREPARED_COLUMNS if name in file.schema_arrow.names])
    for name, kind in (("is_even", pa.bool_()), ("times_digest", pa.string())):
        if name not in part.column_names:
            part = part.append_column(name, pa.nulls(len(part), kind))
    return part.select(list(PREPARED_COLUMNS))


def check_coverage(videos: pd.DataFrame, allowed: float, report_path: Path) -> None:
    """ValueError where more than the fraction `allowed` is missing or failed, or where nothing is left to train on."""
    dropped = videos[videos["status"] != "ok"]
    if len(dropped) > allowed * len(videos):
        count = f"{len(dropped)} of {len(videos)}"
        first = dropped.head(10)
        reasons = ("  " + first["video"] + ": " + first["reason"] + " " + first["detail"].fillna("")).str.rstrip()
        raise ValueError(
            f"{count} videos are missing or failed, more than max_failed_fraction = {allowed:g}. "
            f"The first of them:\n"
            + "\n".join(reasons)
            + f"\nAll are in {report_path}. Add the files, or raise the limit."
        )
    if not ((videos["status"] == "ok") & (videos["subset"] == "training")).any():
        raise ValueError(f"no training video is usable; {report_path} says why")
