"""Shard tables and the frames that they speak of -> what is wrong with them: lost, swapped or damaged frames.

Reading notices what is no picture at all; that a whole picture is another one, only the digests of the frames tell.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kinema.experiment.data_sections import Media
from kinema.media.layout import arrow_table
from kinema.media.plan import manifest_path
from kinema.media.storages.facts import STORAGE_FACTS
from kinema.media.storages.interface import Record, Storage
from kinema.media.storages.table import storage_of
from kinema.words import remedy

COLUMNS = ["id", "num_frames", "num_bytes", "frames_digest", "stored", "frame_offsets"]
OTHER = "its frames are not those that were written"


def find_tables(paths: Sequence[Path]) -> list[Path]:
    """The tables of all shards below folders such as `prepared/<corpus>/<recipe>`, and those that are named; sorted.

    ValueError where there is none.
    """
    found: set[Path] = set()
    for path in paths:
        tables = [path] if path.suffix == ".parquet" else [*path.glob("*.parquet"), *path.glob("shards/*.parquet")]
        if not tables:
            raise ValueError(f"{path}: no shard table in it; expected a folder such as prepared/<corpus>/<recipe>")
        found.update(tables)
    return sorted(found)


def unwritten(tables: Sequence[Path]) -> list[str]:
    """Problems of whole folders: shards that a plan names and that have no table."""
    problems = []
    for plan in sorted({table.parent.parent / "plan.json" for table in tables if table.parent.name == "shards"}):
        for manifest in sorted(manifest_path(plan, "").parent.glob("*.jsonl")):
            table = plan.parent / "shards" / f"{manifest.stem}.parquet"
            if not table.is_file():
                problems.append(f"{table}: no such table. Run snakemake, which writes it.")
    return problems


def check_table(table_path: Path) -> Iterator[str | None]:
    """One item for each video with frames: None, or what is wrong with it in a line; more where the table is wrong."""
    try:
        content = pq.read_table(table_path)
        media = Media.model_validate_json(content.schema.metadata[b"media"])
        if not _read_arrow(arrow_table(table_path)).equals(content):
            yield f"{arrow_table(table_path)}: other rows than in {table_path}. {remedy(table_path)}"
    except (OSError, pa.ArrowInvalid, TypeError, KeyError) as error:
        yield f"{table_path}: cannot be read ({error}). {remedy(table_path)}"
        return
    if "frames_digest" not in content.column_names:
        yield f"{table_path}: of an earlier version, without digests of the frames. Run snakemake, which adds them."
        return
    videos = content.select(COLUMNS).filter(content["stored"].is_valid()).to_pylist()
    for tar in sorted({video["stored"] for video in videos} if STORAGE_FACTS[media.storage].is_one_file else ()):
        if not Path(tar).is_file():  # one line instead of one for each of its videos
            yield f"{table_path}: {tar} is not there. {remedy(table_path)}"
            return
    storage = storage_of(media)
    for video in videos:
        trouble = _trouble(video, storage)
        yield f"{table_path}: '{video['id']}': {trouble}. {remedy(table_path, video['stored'])}" if trouble else None


def num_videos(tables: Sequence[Path]) -> int:
    """Rows of all tables that can be read."""
    total = 0
    for table in tables:
        try:
            total += pq.read_metadata(table).num_rows
        except (OSError, pa.ArrowInvalid):
            continue
    return total


def _read_arrow(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def _trouble(video: Record, storage: Storage[Any]) -> str | None:
    """What is wrong with the stored frames of a video."""
    known = {name: video[name] for name in ("num_frames", "num_bytes")}
    try:
        found = storage.digest(Path(video["stored"]), offsets=video["frame_offsets"], **known)
    except OSError as error:
        return f"{OTHER} ({error})"
    return None if found == video["frames_digest"] else OTHER
