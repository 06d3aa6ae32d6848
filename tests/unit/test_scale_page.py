"""docs/scale.md: what it computes follows from the figures that it names."""

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs/scale.md").read_text(encoding="utf-8")
ROWS = {
    first.strip(): [cell.strip() for cell in cells]
    for first, *cells in (line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("|"))
}
FRAMES, SIZE = 16, 240_000  # of a clip; videos of an epoch


def numbers(name):
    """Those of a figure, in its own unit."""
    return [float(number.replace(",", "")) for number in re.findall(r"[0-9][0-9,.]*[0-9]|[0-9]", ROWS[name][0])]


VIDEOS, FRAMES_EACH, SECONDS, _ = numbers("A")
BYTES = VIDEOS * SECONDS * numbers("B")[0] * 1e3 / 8
STORED = VIDEOS * FRAMES_EACH * numbers("E")[0] * 1e3
DECODING, DECODING_LARGE = (VIDEOS * FRAMES_EACH * numbers(name)[0] / 1e3 for name in "CD")
BESIDE = VIDEOS * numbers("K")[0] / 1e3
CLIP, (WHOLE, CROP, FLIP), GPU = numbers("F")[0], numbers("G"), numbers("H")[0]
MACHINE, CLUSTER = 16, 50 * 16  # cores


def test_frames():
    hours, minutes = 3600, 60
    for name, expected in {
        "decoding, B": (
            f"A x C: {DECODING / hours:.0f} hours of a core",
            f"{DECODING / MACHINE / hours:.1f} hours",
            f"{DECODING / CLUSTER / minutes:.1f} minutes",
        ),
        "decoding, D": (
            f"A x D: {DECODING_LARGE / hours:.0f} hours of a core",
            f"{DECODING_LARGE / MACHINE / hours:.0f} hours",
            f"{DECODING_LARGE / CLUSTER / minutes:.0f} minutes",
        ),
        "cost of each video beside it": (
            f"A x K: {BESIDE / hours:.1f} hours of a core",
            f"{BESIDE / MACHINE / minutes:.0f} minutes",
            f"{BESIDE / CLUSTER:.0f} seconds",
        ),
        "raw videos read": (f"A x B: {BYTES / 1e9:.0f} GB", *rates(BYTES)),
        "frames written": (f"A x E: {round(STORED / 1e9, -1):.0f} GB", *rates(STORED)),
    }.items():
        assert ROWS[name] == list(expected)


def rates(num_bytes):
    machine, cluster = (num_bytes / (DECODING / cores) for cores in (MACHINE, CLUSTER))
    return f"{machine / 1e6:.0f} MB/s", f"{cluster / 1e9:.1f} GB/s"


def test_training():
    crop, flip, stored = CLIP * WHOLE / CROP, CLIP * WHOLE / FLIP, FRAMES * numbers("E")[0]
    for name, expected in {
        "clips that the GPUs take": ("H", f"{GPU:.0f} /s", f"{8 * GPU:,.0f} /s"),
        "an epoch of 240,000 clips": ("", f"{SIZE / GPU / 60:.1f} minutes", f"{SIZE / GPU / 8:.0f} seconds"),
        "cores for random resized crops": (
            f"F x {WHOLE:g} / {CROP:g} = {crop:.1f} ms a clip",
            *cores(crop),
        ),
        "cores for crop and flip": (f"F x {WHOLE:g} / {FLIP:g} = {flip:.1f} ms a clip", *cores(flip)),
        "bytes of frames, where no memory keeps them": (
            f"{FRAMES} x E = {stored:.0f} kB a clip",
            *(f"{GPU * number * stored / 1e3:.0f} MB/s" for number in (1, 8)),
        ),
    }.items():
        assert ROWS[name] == list(expected)


def cores(milliseconds):
    return f"{GPU * milliseconds / 1e3:.1f}", f"{8 * GPU * milliseconds / 1e3:.0f}"
