"""Whether an extraction is large: only then the time is spent to estimate it (`kinema.media.estimate`).

Rule plan asks each time: this module needs the standard library only.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kinema.media.extensions import VIDEO_EXTENSIONS, split_extension
from kinema.media.plan import manifest_path

Row = dict[str, Any]

LARGE_VIDEOS, LARGE_BYTES = 1000, 10e9  # an extraction of more videos, or of larger files in all, is estimated,
LARGEST_GROWTH = 20  # and one that fills the disk if the frames take so many times the bytes of the files
PICTURE_BYTES = 30_000  # of a picture in a folder, whose manifest row counts pictures


def check_extraction(
    plan_path: Path, *, settings: Sequence[str], ffmpeg: str | None, workers: int, cores: int | None
) -> None:
    """Tell what a large extraction takes; InputError where its frames find no room beside the plan.

    Nothing is decoded and nothing said where no more than `LARGE_VIDEOS` videos and `LARGE_BYTES` of files are to be
    decoded, unless the disk is nearly full. `settings` are JSON texts of `media`; the rest is described at
    `kinema.media.estimate.tell_extraction`.
    """
    folder = plan_path.parent
    free = free_bytes(folder)
    rows = [row for row in _manifest_rows(plan_path) if row["path"] is not None]
    if not _is_large(rows, free):
        return
    from kinema.media.estimate import tell_extraction
    from kinema.media.recipe import media_from_json
    from kinema.media.stored_before import StoredBefore

    stored = StoredBefore(folder / "shards")
    rows = [row for row in rows if not stored.has(row)]
    if _is_large(rows, free):
        media = media_from_json(*settings)
        tell_extraction(rows, folder, media=media, ffmpeg=ffmpeg, workers=workers, cores=cores)


def free_bytes(folder: Path) -> float:
    """Bytes that may still be written below a folder; some file systems tell nothing, which is 0 of 0."""
    usage = shutil.disk_usage(folder)
    return usage.free if usage.total else float("inf")


def source_bytes(row: Row) -> float:
    """Bytes of the source of a manifest row; of a folder of pictures about."""
    extension = split_extension(row["path"])[1].lower()
    is_folder = extension not in VIDEO_EXTENSIONS and Path(row["path"]).is_dir()
    return row["size"] * PICTURE_BYTES if is_folder else row["size"]


def _manifest_rows(plan_path: Path) -> Iterator[Row]:
    for path in sorted(manifest_path(plan_path, "").parent.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _is_large(rows: Sequence[Row], free: float) -> bool:
    total = sum(map(source_bytes, rows))
    return len(rows) > LARGE_VIDEOS or total > LARGE_BYTES or total * LARGEST_GROWTH > free
