"""A shard's manifest -> the frames of its videos, and its table: one row a video, also of those without frames.

Valid videos of earlier runs are kept, only new and changed ones are decoded (`kinema.media.storages`). The table is
written twice: as Parquet, which is the declared output and for people, and as an Arrow file for loaders, which map it
into memory.
"""

import concurrent.futures
import contextlib
import dataclasses
import json
import logging
import shutil
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kinema.experiment.data_sections import Media
from kinema.files import atomic_path
from kinema.job import progress
from kinema.locks import sole_user
from kinema.media.decode import Decoder
from kinema.media.ffmpeg import find_ffmpeg
from kinema.media.layout import arrow_table
from kinema.media.recipe import frames_json
from kinema.media.remote.address import is_remote
from kinema.media.retry import Note, noted, read_note, write_note
from kinema.media.sources import Sources, sources_of
from kinema.media.storages.interface import Decoded, Stored
from kinema.media.storages.table import storage_of
from kinema.media.walk import as_text

log = logging.getLogger(__name__)
Row = dict[str, Any]

# Rows are sorted by id. From num_frames on everything is null unless status is "ok".
SHARD_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("status", pa.string()),  # "ok", "missing" or "failed"
        ("reason", pa.string()),  # of a failure, short and stable; else null
        ("detail", pa.string()),  # what is known of a failure, damage or a part; of a missing video what may be meant
        ("path", pa.string()),  # the source video; null if missing
        ("duplicates", pa.list_(pa.string())),  # other files that claim the id, relative to the folder of videos
        ("content", pa.string()),  # hash of the source file's bytes; null if it could not be read
        ("source_size", pa.int64()),
        ("source_token", pa.string()),  # of the source file, as its manifest says: kinema.media.listing
        ("num_frames", pa.int64()),
        ("height", pa.int32()),  # of the stored frames, and so are width, fps and duration
        ("width", pa.int32()),
        ("fps", pa.float64()),
        ("duration_seconds", pa.float64()),
        ("is_even", pa.bool_()),  # frame N is shown at N / fps seconds; null: not known, and taken so
        ("times_digest", pa.string()),  # of frame_times; null unless is_even is false, as is that
        ("frame_times", pa.list_(pa.float64())),  # seconds since the first frame, of each
        ("truncated", pa.bool_()),  # the source is damaged; these are the frames that could be decoded
        ("num_bytes", pa.int64()),
        ("frames_digest", pa.string()),  # of the stored bytes alone: kinema.media.digests
        ("stored", pa.string()),  # the tar, the folder of JPEG files, or the mp4 file
        ("data_offset", pa.int64()),  # of the first frame in the tar, in bytes; `packed` only, as is frame_offsets
        ("frame_offsets", pa.list_(pa.int64())),  # T + 1 offsets in the tar: frame i is [offsets[i], offsets[i + 1])
    ]
)
PAUSE_SECONDS = 5.0  # before a file that could not be read is tried again
PAUSED = ("unreadable", "transfer failed")
SHOWN = 5  # names in a log line
COUNTED = ("kept", "decoded", "failed", "missing")


def write_shard(
    manifest_path: Path, *, table_path: Path, media: Media, ffmpeg: str | None, workers: int, attempt: int = 0
) -> dict[str, int]:
    """Bring a shard up to date; returns how many videos were `kept`, `decoded`, `failed` (just now) and `missing`.

    `workers` videos are decoded at a time, one thread each. `attempt` is the number of this one (`kinema.media.retry`).
    Raises OSError if a file cannot be written; finished videos are safe then, and the next run continues with them.
    """
    if not manifest_path.is_file():
        plan = manifest_path.parent.parent / "plan.json"
        raise ValueError(
            f"{manifest_path}: no such file; it is written with {plan}: delete that and run snakemake again"
        )
    rows = {row["id"]: row for row in map(json.loads, manifest_path.read_text(encoding="utf-8").splitlines())}
    num_shards = len(list(manifest_path.parent.glob("*.jsonl")))
    storage, shard = storage_of(media), table_path.stem
    store = storage.store(table_path, num_shards)
    with _sole_writer(table_path) as spill:
        decoder = Decoder(storage=storage, ffmpeg=find_ffmpeg(ffmpeg), spill=spill, stop=threading.Event())
        try:
            kept = _valid(store.earlier(), rows, decoder, workers)
            wanted = [row for row in rows.values() if row["path"] is not None and row["id"] not in kept]
            if any(is_remote(row["path"]) for row in wanted):
                wanted.sort(key=lambda row: row["path"])  # so that one transfer serves all parts of a file
            with contextlib.closing(_decoded_or_tried_again(wanted, decoder, workers)) as decoded:
                shown = progress(decoded, description=f"shard {shard}", total=len(wanted))
                videos = store.update(kept, rows, shown)
            note = noted(read_note(table_path), attempt, [video.record for video in videos.values()])
            hope = _hope(note, table_path)
            _write_table([_table_row(row, videos.get(row["id"]), hope) for row in rows.values()], table_path, media)
            write_note(table_path, note)
        except OSError as error:
            hint = "Free some space or check the disk, then run again: finished videos are kept."
            raise OSError(error.errno, f"{table_path.parent}: cannot write shard {shard} ({error}). {hint}") from error
    counts = dict.fromkeys(COUNTED, 0)
    for row in rows.values():
        counts[_kind(videos.get(row["id"]), row["id"] in kept)] += 1
    if note.passing:
        log.warning("shard %s: failed for a cause that may pass, %s: %s", shard, hope, _some(note.passing))
    log.info("shard %s: %s", shard, ", ".join(f"{number} {kind}" for kind, number in counts.items()))
    return counts


@contextlib.contextmanager
def _sole_writer(table_path: Path) -> Iterator[Path]:
    """A folder for this run's frames, empty at first and removed at the end; it keeps a second writer out."""
    spill = table_path.with_suffix(".spill")
    with sole_user(spill, purpose=f"writing shard {table_path.with_suffix('')}"):
        shutil.rmtree(spill / "frames", ignore_errors=True)
        (spill / "frames").mkdir()
        try:
            yield spill / "frames"
        finally:
            shutil.rmtree(spill, ignore_errors=True)


def _valid(earlier: list[Stored], rows: dict[str, Row], decoder: Decoder, workers: int) -> dict[str, Stored]:
    """Videos of earlier runs that decoding again would give, in the order of the rows, with records brought up to date.

    Of several with one id the first counts. `workers` sources are read at a time, where that is necessary.
    """
    listed = [video for video in earlier if (rows.get(video.record["id"]) or {"path": None})["path"] is not None]
    with concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="check") as pool:
        checked = pool.map(lambda video: _current(video, rows[video.record["id"]], decoder), listed)
    valid: dict[str, Stored] = {}
    for video in filter(None, checked):
        valid.setdefault(video.record["id"], video)
    return {video_id: valid[video_id] for video_id in rows if video_id in valid}


def _current(video: Stored, row: Row, decoder: Decoder) -> Stored | None:
    record = decoder.current(video.record, row)
    if record is None or video.place is None or "frames_digest" in record:
        return None if record is None else dataclasses.replace(video, record=record)
    try:  # a record of an earlier version
        known = {name: record[name] for name in ("num_bytes", "num_frames")}
        digest = decoder.storage.digest(video.place, offsets=video.frame_offsets, **known)
    except OSError as error:
        log.warning("%s: its frames cannot be read (%s); it is decoded again", row["id"], error)
        return None
    return dataclasses.replace(video, record=record | {"frames_digest": digest})


def _decoded_or_tried_again(rows: list[Row], decoder: Decoder, workers: int) -> Generator[Decoded[Any], None, None]:
    """What `_decoded` yields; a video whose failure may pass comes last, when it was tried once more and alone.

    Alone, because it may have been the videos beside it that took the memory or the time.
    """
    failed: list[Decoded[Any]] = []
    with contextlib.closing(_decoded(rows, decoder, workers)) as decoded:
        for video in decoded:
            if video.record.get("passing"):
                failed.append(video)
            else:
                yield video
    if any(video.record["reason"] in PAUSED for video in failed):
        time.sleep(PAUSE_SECONDS)
    if failed:
        log.info("trying again, one at a time: %s", _some([video.record["id"] for video in failed]))
    by_id = {row["id"]: row for row in rows}
    again = [by_id[video.record["id"]] for video in failed]
    with contextlib.closing(_decoded(again, decoder, 1, first=len(rows))) as decoded:
        yield from decoded


def _decoded(rows: list[Row], decoder: Decoder, workers: int, *, first: int = 0) -> Generator[Decoded[Any], None, None]:
    """Each video as soon as it is decoded, `workers` at a time; without those that vanished meanwhile.

    Frames of finished videos lie on the disk until they are taken, so the decoders run only a little ahead. Rows are
    numbered from `first` on.
    """
    with sources_of(rows, scratch=decoder.spill / "sources", stop=decoder.stop) as sources:
        calls = ((row, number, sources) for number, row in enumerate(rows, start=first))
        yield from _called(calls, decoder, workers)


def _called(
    calls: Iterator[tuple[Row, int, Sources]], decoder: Decoder, workers: int
) -> Generator[Decoded[Any], None, None]:
    """What the decoder makes of rows, in the order in which it is done with them."""
    pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="decode")
    running: set[concurrent.futures.Future[Decoded[Any] | None]] = set()
    try:
        while True:
            for call in calls:
                running.add(pool.submit(decoder, *call))
                if len(running) >= 2 * workers:
                    break
            if not running:
                return
            done, running = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            # an error last: what is finished beside it is stored first
            for future in sorted(done, key=lambda future: future.exception() is not None):
                if (video := future.result()) is not None:
                    yield video
    except BaseException:  # the consumer's end of it, too
        decoder.stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _kind(video: Stored | None, was_kept: bool) -> str:
    if video is None:
        return "missing"
    return "kept" if was_kept else "failed" if video.record["status"] == "failed" else "decoded"


def _hope(note: Note, table_path: Path) -> str:
    """What is to come of failures that may pass."""
    if note.is_given_up:
        return f"so it was in {note.runs} runs; delete {table_path} to have it tried again"
    return "the next run tries again"


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _table_row(row: Row, video: Stored | None, hope: str) -> Row:
    duplicates = [as_text(path) for path in row["duplicates"]]
    if video is None:
        return {"id": row["id"], "status": "missing", "detail": row.get("hint"), "duplicates": duplicates}
    record = video.record
    facts = {name: record.get(name) for name in SHARD_SCHEMA.names}
    facts |= {"path": as_text(row["path"]), "duplicates": duplicates}
    if record.get("passing"):
        facts["detail"] = "; ".join(filter(None, (record["detail"], hope)))
    if video.place is not None:
        facts["stored"] = str(video.place)
    if video.data_offset is not None:
        facts |= {"data_offset": video.data_offset, "frame_offsets": video.frame_offsets}
    return facts


def _write_table(rows: list[Row], table_path: Path, media: Media) -> None:
    """The table as Parquet and, beside it, as an Arrow file; both say how the frames were made."""
    content = pa.Table.from_pylist(rows, schema=SHARD_SCHEMA.with_metadata({"media": frames_json(media)}))
    with atomic_path(arrow_table(table_path)) as part, pa.ipc.new_file(part, content.schema) as writer:
        writer.write_table(content.combine_chunks())
    with atomic_path(table_path) as part:
        pq.write_table(content, part, compression="zstd")
