"""Before a large extraction: how many frames it gives, what they take of the disk, and how long it lasts.

Videos are drawn with chances half-way between equal ones and ones in proportion to the sizes of their files, evenly
through their order by size: so neither a few films among many clips are missed, nor many clips beside a few films. Each
is decoded and stored for a trial (`kinema.media.trial`), and totals are estimated as Hansen and Hurwitz do it ("On the
theory of sampling from finite populations", 1943).
"""

import logging
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinema.disk import full_disk_named
from kinema.durations import duration_in_words, short_number
from kinema.experiment.data_sections import Media
from kinema.input_error import InputError
from kinema.job import ON_SCREEN
from kinema.media.ffmpeg import find_ffmpeg
from kinema.media.large import free_bytes, source_bytes
from kinema.media.layout import FILE_NAMES
from kinema.media.storages.facts import STORAGE_FACTS
from kinema.media.storages.table import storage_of
from kinema.media.trial import Taken, Trial

Row = dict[str, Any]
log = logging.getLogger(__name__)

SAMPLE, SMALLEST_SAMPLE = 40, 8
SAMPLE_SECONDS = 60.0  # after which no further video of the sample is begun
CHANCE = 2.0  # standard errors on both sides: 19 of 20 ranges hold the truth
LEAST_SPREAD = 0.1  # of the estimate: a sample may happen to be all alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the videos take that are to be decoded: `num_bytes`, between `low` and `high`, and `seconds` of one core."""

    videos: int
    sample: int
    frames: float
    num_bytes: float
    low: float
    high: float
    seconds: float


def tell_extraction(
    rows: Sequence[Row], folder: Path, *, media: Media, ffmpeg: str | None, workers: int, cores: int | None
) -> None:
    """Tell what decoding the videos of manifest rows takes; InputError where their frames find no room below `folder`.

    `workers` videos of the sample are decoded at a time; `cores` are those of the workflow, 0 or None where nobody
    knows, as on a cluster.
    """
    trying = "%s: %s videos are to be decoded; trying a sample, for a minute at most"
    log.info(trying, folder, f"{len(rows):,}", extra=ON_SCREEN)
    with full_disk_named(folder / "plan.json"):
        estimate = estimate_extraction(rows, media=media, ffmpeg=ffmpeg, workers=workers, folder=folder)
    if estimate is None:
        untold = "%s: no estimate: less than %d videos were decoded in a minute"
        log.info(untold, folder, SMALLEST_SAMPLE, extra=ON_SCREEN)
        return
    check_room(estimate, folder, media)
    log.info("%s", in_words(estimate, folder, cores), extra=ON_SCREEN)


def estimate_extraction(
    rows: Sequence[Row],
    *,
    media: Media,
    ffmpeg: str | None,
    workers: int,
    folder: Path,
    sample: int | None = None,
    seed: int = 0,
) -> Estimate | None:
    """What decoding the videos of manifest rows takes, by a sample that is stored below `folder` for a moment.

    None where too few of the sample, which is of `SAMPLE` videos, are decoded within `SAMPLE_SECONDS`.
    """
    sizes = np.array([source_bytes(row) for row in rows], dtype=float)
    chosen, chances = drawn(sizes, sample or SAMPLE, np.random.default_rng(seed))
    with tempfile.TemporaryDirectory(prefix="estimate-", dir=folder) as spill:
        trial = Trial(storage=storage_of(media), ffmpeg=find_ffmpeg(ffmpeg), spill=Path(spill))
        distinct = list(dict.fromkeys(chosen.tolist()))
        tries = tried([rows[index] for index in distinct], trial, workers, seconds=SAMPLE_SECONDS)
    done = {distinct[number]: (taken.frames, taken.num_bytes, taken.seconds) for number, taken in tries.items()}
    if len(done) < min(SMALLEST_SAMPLE, len(distinct)):
        return None
    # a draw by itself is an estimate of the whole; one video may have been drawn several times
    draws = [draw for draw, index in enumerate(chosen.tolist()) if index in done]
    totals = np.array([done[chosen[draw]] for draw in draws]) / chances[draws][:, None]
    frames, num_bytes, seconds = totals.mean(0)
    deviation = totals[:, 1].std(ddof=1) if len(totals) > 1 else num_bytes
    spread = max(CHANCE * deviation / len(totals) ** 0.5, LEAST_SPREAD * num_bytes)
    return Estimate(
        videos=len(rows),
        sample=len(done),
        frames=frames,
        num_bytes=num_bytes,
        low=max(0.0, num_bytes - spread),
        high=num_bytes + spread,
        seconds=seconds,
    )


def drawn(sizes: np.ndarray, number: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Indices (number,) of videos in random order, a large one maybe more than once; and the chance of each in a draw.

    `sizes` are bytes (N,). The mean over draws of what is drawn, each by its chance, estimates the total of all N.
    """
    weights = sizes + max(1.0, sizes.mean())
    chances = weights / weights.sum()
    order = np.argsort(weights, kind="stable")
    points = (np.arange(number) + rng.random()) / number
    places = np.searchsorted(chances[order].cumsum(), points, side="right")
    chosen = rng.permutation(order[np.minimum(places, len(order) - 1)])
    return chosen, chances[chosen]


def check_room(estimate: Estimate, folder: Path, media: Media) -> None:
    """InputError where a folder's file system has no room for what is estimated, even by the lowest guess."""
    where = f"the frames of {estimate.videos:,} videos that are to be decoded (by a sample of {estimate.sample})"
    free, state = free_bytes(folder), os.statvfs(folder)
    if estimate.low > free:
        keys = ["short_side", *STORAGE_FACTS[media.storage].quality_keys.values()]
        now = ", ".join(f"{key} {getattr(media, key)}" for key in keys)
        smaller = "" if media.storage == "video" else ", or media.storage: video"
        raise InputError(
            f"{folder}: {where} take {_space(estimate)}; {_bytes(free)} are free there. Put `prepared` on a larger "
            f"disk (it may be a link), or choose smaller frames under `media` (now {now}){smaller}."
        )
    num_files = estimate.frames * len(FILE_NAMES[media.modality])
    if media.storage == "frames" and state.f_files and num_files * (1 - LEAST_SPREAD) > state.f_favail:
        raise InputError(
            f"{folder}: {where} are {_count(num_files)} files; the file system there takes {_count(state.f_favail)} "
            "more. Set media.storage: packed, one file a shard, or put `prepared` on another disk (it may be a link)."
        )


def in_words(estimate: Estimate, folder: Path, cores: int | None) -> str:
    """The line that tells of an estimate."""
    free = free_bytes(folder)
    by_cores = f", {duration_in_words(estimate.seconds / cores)} on {cores}" if cores else ""
    room = f"; {_bytes(free)} are free" if np.isfinite(free) else ""
    doubt = ", which may not be enough" if estimate.high > free else ""
    return (
        f"{folder}: {estimate.videos:,} videos become about {_count(estimate.frames)} frames that take "
        f"{_space(estimate)}{room}{doubt}. Decoding takes {duration_in_words(estimate.seconds)} of one "
        f"core{by_cores} (by a sample of {estimate.sample})"
    )


def tried(rows: Sequence[Row], trial: Trial, workers: int, *, seconds: float) -> dict[int, Taken]:
    """What videos take, by their place in `rows`; after so many seconds no further one is begun."""
    end = time.monotonic() + seconds

    def taken(number: int) -> Taken | None:
        return trial(rows[number], number) if time.monotonic() < end else None

    with ThreadPoolExecutor(workers, thread_name_prefix="trial") as pool:
        found = list(pool.map(taken, range(len(rows))))
    return {number: one for number, one in enumerate(found) if one is not None}


def _space(estimate: Estimate) -> str:
    return f"{_bytes(estimate.num_bytes)} ({_bytes(estimate.low)} to {_bytes(estimate.high)})"


def _bytes(number: float) -> str:
    for unit in ("MB", "GB"):
        number /= 1e6 if unit == "MB" else 1e3
        if number < 950:
            return f"{short_number(number)} {unit}"
    return f"{short_number(number / 1e3)} TB"


def _count(number: float) -> str:
    for size, word in ((1e9, " billion"), (1e6, " million")):
        if number >= size:
            return f"{short_number(number / size)}{word}"
    return f"{float(f'{number:.2g}'):,.0f}"
