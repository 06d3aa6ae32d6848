"""What became of every listed video: dataset_report.json, and the check that enough is left.

A video is ok, missing (no file), or failed (for a reason); none drops out without a row.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from kinema.files import write_json

log = logging.getLogger(__name__)


def write_report(*, annotation: Path, shards: Sequence[Path], out: Path) -> None:
    """Write dataset_report.json."""
    write_json(out, summarise(read_coverage(json.loads(annotation.read_text(encoding="utf-8")), shards)))


def summarise(videos: pd.DataFrame) -> dict[str, Any]:
    """Counts of what was listed and what became of it, in all, by subset, by label and by reason."""

    def counts(rows: pd.DataFrame) -> dict[str, Any]:
        ok = rows[rows["status"] == "ok"]
        return {
            "listed": len(rows),
            **{status: int((rows["status"] == status).sum()) for status in ("ok", "missing", "failed")},
            "coverage": round(len(ok) / len(rows), 4) if len(rows) else 0.0,
            "frames": int(ok["num_frames"].sum()),
            "bytes": int(ok["num_bytes"].sum()),
        }

    dropped = videos[videos["status"] != "ok"]
    return {
        **counts(videos),
        "subsets": {name: counts(rows) for name, rows in videos.groupby("subset")},
        "labels": {name: counts(rows) for name, rows in videos.groupby("label")},
        "reasons": {name: int(n) for name, n in dropped["reason"].value_counts().items()},
        "dropped": dropped[["video", "subset", "label", "status", "reason"]].fillna("").to_dict("records"),
        "shared_groups": _shared_groups(videos),
    }


def read_coverage(dialect: dict[str, Any], shards: Sequence[Path]) -> pd.DataFrame:
    """One row a listed video, in the order of the annotation, with what its shard says of it."""
    numbers = {label: number for number, label in enumerate(dialect["labels"])}
    listed = pd.DataFrame(
        {
            "video": list(dialect["database"]),
            "subset": [entry["subset"] for entry in dialect["database"].values()],
            "label": [entry["annotations"].get("label") for entry in dialect["database"].values()],
            "group": [entry.get("group") for entry in dialect["database"].values()],
        }
    )
    listed["label_index"] = listed["label"].map(numbers).fillna(-1).astype("int32")
    columns = ["id", "status", "reason", "num_frames", "num_bytes"]
    parts = []
    for path in shards:
        part = pq.read_table(path, columns=columns).to_pandas()
        parts.append(part.assign(shard=str(path), shard_row=np.arange(len(part), dtype="int32")))
    prepared = pd.concat(parts, ignore_index=True).rename(columns={"id": "video"})
    videos = listed.merge(prepared, on="video", how="left", validate="one_to_one")
    unknown = videos["status"].isna()
    if unknown.any():
        raise ValueError(
            f"{unknown.sum()} videos of the annotation are in no shard, such as '{videos['video'][unknown].iloc[0]}'; "
            "the shards belong to another list: run the plan again (snakemake --forcerun plan)"
        )
    videos[["num_frames", "num_bytes"]] = videos[["num_frames", "num_bytes"]].fillna(0).astype("int64")
    # why a video cannot be used; "missing" needs no further reason
    videos["reason"] = videos["reason"].fillna(videos["status"].where(videos["status"] != "ok"))
    return videos


def _shared_groups(videos: pd.DataFrame) -> dict[str, list[str]]:
    """Groups (a person, a scene) whose videos lie in more than one subset: a leak."""
    subsets = videos.dropna(subset="group").groupby("group")["subset"].unique()
    return {str(group): sorted(names) for group, names in subsets.items() if len(names) > 1}


def check_coverage(videos: pd.DataFrame, allowed: float, report: Path) -> None:
    """ValueError where more than the fraction `allowed` is missing or failed, or where nothing is left to train on."""
    dropped = videos[videos["status"] != "ok"]
    for group, subsets in list(_shared_groups(videos).items())[:10]:
        log.warning("group '%s' lies in %s: scores will be too good", group, " and ".join(subsets))
    if len(dropped):
        log.warning("%d of %d videos cannot be used; %s lists them", len(dropped), len(videos), report)
    if len(dropped) > allowed * len(videos):
        count = f"{len(dropped)} of {len(videos)}"
        first = [f"  {row['video']}: {row['reason']}" for row in dropped.head(10).to_dict("records")]
        raise ValueError(
            f"{count} videos are missing or failed, more than max_failed_fraction = {allowed:g}. "
            f"The first of them:\n" + "\n".join(first) + f"\nAll are in {report}. Add the files, or raise the limit."
        )
    if not ((videos["status"] == "ok") & (videos["subset"] == "training")).any():
        raise ValueError(f"no training video is usable; {report} says why")
