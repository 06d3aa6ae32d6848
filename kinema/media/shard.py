"""A shard's manifest -> its packed frames (one tar) and its table (one Parquet row per video).

The tar is the memory of this stage: what it holds and is still valid is copied, only new and changed videos are
decoded. A rewritten tar grows as `<tar>.part`; a killed run leaves that behind, and the next one takes from it what is
whole. Snakemake deletes the declared table before the job, never the tar.
"""

import collections
import concurrent.futures
import contextlib
import hashlib
import json
import logging
import shutil
import threading
from collections.abc import Generator, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kinema.config import Media
from kinema.files import atomic_path, sole_user
from kinema.job import progress
from kinema.media.archive import ArchiveWriter, Stored, read_stored
from kinema.media.decode import Decoded, Decoder
from kinema.media.ffmpeg import find_ffmpeg

log = logging.getLogger(__name__)
Row = dict[str, Any]
Video = Stored | Decoded | None  # of a row: valid in an older tar, just tried, or missing

# Everything from num_frames on is null unless status is "ok".
SHARD_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("status", pa.string()),  # "ok", "missing" or "failed"
        ("reason", pa.string()),  # of a failure, short and stable; else null
        ("detail", pa.string()),  # of a failure: what a tool said of this one file
        ("path", pa.string()),  # the source video; null if missing
        ("duplicates", pa.list_(pa.string())),  # other files that claim the id
        ("content", pa.string()),  # hash of the source file's bytes; null if missing
        ("source_size", pa.int64()),
        ("source_mtime_ns", pa.int64()),
        ("num_frames", pa.int64()),
        ("height", pa.int32()),  # of the stored frames, and so are width and fps
        ("width", pa.int32()),
        ("fps", pa.float64()),
        ("duration_seconds", pa.float64()),  # of the source
        ("truncated", pa.bool_()),  # ffmpeg met damage; these are the frames that it could decode
        ("num_bytes", pa.int64()),
        ("stored", pa.string()),  # name of the storage
        ("data_offset", pa.int64()),  # of the first frame in the tar, in bytes
        ("frame_offsets", pa.list_(pa.int64())),  # T + 1 offsets in the tar: frame i is [offsets[i], offsets[i + 1])
    ]
)


def write_shard(
    manifest: Path, *, tar: Path, table: Path, media: Media, ffmpeg: str | None, workers: int
) -> dict[str, int]:
    """Bring a shard up to date; returns how many videos were `kept`, `decoded`, `failed` (just now) and `missing`.

    `workers` videos are decoded at a time, one thread each. Raises OSError if a file cannot be written; the old tar is
    untouched then, and the next run continues with what this one finished.
    """
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    binary = find_ffmpeg(ffmpeg)
    for path in (tar, table):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _sole_writer(tar) as spill:
        decoder = Decoder(media=media, ffmpeg=binary, spill=spill, stop=threading.Event())
        try:
            results = _update_tar(rows, tar, decoder=decoder, workers=workers)
            _write_table([row for _, row in results], table)
        except OSError as error:
            hint = "Free some space or check the disk, then run again: finished videos are kept."
            raise OSError(error.errno, f"{tar.parent}: cannot write shard {tar.stem} ({error}). {hint}") from error
    kinds = [kind for kind, _ in results]
    counts = {kind: kinds.count(kind) for kind in ("kept", "decoded", "failed", "missing")}
    log.info("shard %s: %s", tar.stem, ", ".join(f"{number} {kind}" for kind, number in counts.items()))
    return counts


@contextlib.contextmanager
def _sole_writer(tar: Path) -> Iterator[Path]:
    """A folder for this run's frames, empty at first and removed at the end; it keeps a second writer out."""
    spill = tar.with_name(tar.name + ".spill")
    with sole_user(spill, purpose=f"writing {tar}"):
        for left_behind in spill.iterdir():
            left_behind.unlink()
        try:
            yield spill
        finally:
            shutil.rmtree(spill, ignore_errors=True)


def _update_tar(rows: list[Row], tar: Path, *, decoder: Decoder, workers: int) -> list[tuple[str, Row]]:
    """Make the tar hold the videos of the rows, in their order; returns what was done and the table row of each."""
    part, resume = tar.with_name(tar.name + ".part"), tar.with_name(tar.name + ".resume")
    _set_aside(part, resume)
    older = [read_stored(resume), read_stored(tar)]
    if tar.is_file() and not older[0] and _is_complete(rows, older[1], decoder):
        resume.unlink(missing_ok=True)
        unchanged = [(row, older[1][row["id"]] if row["path"] is not None else None) for row in rows]
        return [_result(row, video, video.data_offset if video else None) for row, video in unchanged]
    writer = ArchiveWriter(part)
    try:
        with contextlib.closing(_videos_in_order(rows, older, decoder, workers)) as videos:
            shown = progress(videos, description=f"shard {tar.stem}", total=len(rows))
            results = [_result(row, video, _add(writer, video)) for row, video in shown]
        writer.finish()
    finally:
        writer.close()
    part.replace(tar)
    resume.unlink(missing_ok=True)
    return results


def _set_aside(part: Path, resume: Path) -> None:
    """Move what a killed run left behind out of the way of the next `.part`, joined with what is there already."""
    if part.exists() and resume.exists():
        joined = resume.with_name(resume.name + ".part")
        with contextlib.closing(ArchiveWriter(joined)) as writer:
            for video in (read_stored(resume) | read_stored(part)).values():
                writer.add_stored(video)
            writer.finish()
        joined.replace(resume)
        part.unlink()
    elif part.exists():
        part.replace(resume)


def _is_complete(rows: list[Row], stored: dict[str, Stored], decoder: Decoder) -> bool:
    """Whether a tar holds exactly the videos of the rows, all valid: then only the table is to be written."""
    wanted = [row for row in rows if row["path"] is not None]
    return len(wanted) == len(stored) and all(_valid(row, [stored], decoder) for row in wanted)


def _valid(row: Row, older: list[dict[str, Stored]], decoder: Decoder) -> Stored | None:
    candidates = (videos[row["id"]] for videos in older if row["id"] in videos)
    return next((video for video in candidates if decoder.is_current(video.record, row)), None)


def _videos_in_order(
    rows: list[Row], older: list[dict[str, Stored]], decoder: Decoder, workers: int
) -> Generator[tuple[Row, Video], None, None]:
    """Each row with its video, `workers` being decoded ahead of the consumer and at most as many waiting for it.

    The frames of a waiting video lie on the disk, which is what bounds how far the decoders may run ahead.
    """
    waiting: collections.deque[tuple[Row, Stored | concurrent.futures.Future[Decoded | None] | None]] = (
        collections.deque()
    )
    unfinished: collections.deque[concurrent.futures.Future[Decoded | None]] = collections.deque()
    pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        for number, row in enumerate(rows):
            video = _valid(row, older, decoder) if row["path"] is not None else None
            if video is not None or row["path"] is None:
                waiting.append((row, video))
            else:
                unfinished.append(pool.submit(decoder, row, number))
                waiting.append((row, unfinished[-1]))
            while waiting and (len(unfinished) >= 2 * workers or _is_ready(waiting[0][1])):
                yield _next_video(waiting, unfinished)
        while waiting:
            yield _next_video(waiting, unfinished)
    finally:
        decoder.stop.set()
        pool.shutdown(cancel_futures=True)


def _is_ready(video) -> bool:
    return not isinstance(video, concurrent.futures.Future) or video.done()


def _next_video(waiting, unfinished) -> tuple[Row, Video]:
    row, video = waiting.popleft()
    if isinstance(video, concurrent.futures.Future):
        unfinished.popleft()
        return row, video.result()
    return row, video


def _add(writer: ArchiveWriter, video: Video) -> int | None:
    """Append a video to the tar and drop its file of frames; returns where its frames begin."""
    if video is None:
        return None
    if isinstance(video, Stored):
        return writer.add_stored(video)
    offset = writer.add_file(video.record, video.frames)
    if video.frames is not None:
        video.frames.unlink()
    return offset


def _result(row: Row, video: Video, data_offset: int | None) -> tuple[str, Row]:
    """What was done for a row (`kept`, `decoded`, `failed`, `missing`) and its table row."""
    source = {"id": row["id"], "path": row["path"], "source_size": row["size"], "source_mtime_ns": row["mtime_ns"]}
    source |= {"duplicates": row["duplicates"], "content": _content(row["path"])}
    if video is None:
        return "missing", {"id": row["id"], "status": "missing"}
    record = video.record
    if record["status"] == "failed":
        kind = "kept" if isinstance(video, Stored) else "failed"
        return kind, source | {"status": "failed", "reason": record["reason"], "detail": record.get("detail")}
    assert data_offset is not None
    offsets = list(accumulate(record["frame_bytes"], initial=data_offset))
    facts = {name: record[name] for name in SHARD_SCHEMA.names if name in record and name != "reason"}
    kind = "kept" if isinstance(video, Stored) else "decoded"
    return kind, facts | source | {"data_offset": data_offset, "frame_offsets": offsets}


def _content(path: str | None) -> str | None:
    if path is None or not Path(path).is_file():
        return None
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _write_table(rows: list[Row], table: Path) -> None:
    rows = sorted(rows, key=lambda row: row["id"])
    written = pa.Table.from_pylist(rows, schema=SHARD_SCHEMA)
    with atomic_path(table) as part, atomic_path(table.with_suffix(".arrow")) as mapped:
        pq.write_table(written, part, compression="zstd")
        with pa.ipc.new_file(mapped, written.schema) as file:
            file.write_table(written)
