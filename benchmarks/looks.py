"""How well videos of one source are told by their looks, and how long it takes.

    python benchmarks/looks.py FOLDER REGEX [--copies N]

The pattern finds the source in a video's name (its first group, or all of it), for example `_(seq[0-9]+)_`. Beside the
likeness that is used, a plain one is measured: the cosine of the mean of the late maps less their mean over the set,
of the nearest pictures. With `--copies`, each of N videos is set beside copies of it instead: in 120 lines, in MPEG-4,
cropped, without its first third, and its first and its last third; the source is the video.
"""

import argparse
import re
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from kinema.looks.kept import signatures_of
from kinema.looks.likeness import Likeness
from kinema.looks.pictures import pictures_of
from kinema.looks.signatures import Signatures
from kinema.media.ffmpeg import find_ffmpeg
from kinema.media.listing import list_videos
from kinema.media.probe import probe

CROP = "crop=iw*0.8:ih*0.8:iw*0.2:ih*0.1"


def copies(paths: list[Path], folder: Path) -> list[Path]:
    """Each video and six copies of it, named `<number>_<kind>`."""
    made = []
    for number, path in enumerate(paths):
        seconds = probe(path).duration_seconds or 3.0
        ways = {
            "same.mp4": ([], []),
            "small.mp4": ([], ["-vf", "scale=-2:120"]),
            "codec.avi": ([], ["-c:v", "mpeg4", "-q:v", "10"]),
            "crop.mp4": ([], ["-vf", CROP]),
            "later.mp4": (["-ss", str(0.3 * seconds)], []),
            "first.mp4": (["-t", str(0.33 * seconds)], []),
            "last.mp4": (["-ss", str(0.66 * seconds)], []),
        }
        for name, (before, behind) in ways.items():
            made.append(folder / f"{number:04d}_{name}")
            command = [find_ffmpeg(None), "-v", "error", *before, "-i", path, *behind, "-an", made[-1]]
            subprocess.run(command, check=True)
    return made


def plain(signatures: Signatures) -> np.ndarray:
    """(V, V) the plain likeness."""
    means = signatures.parts[..., : signatures.parts.shape[-1] // 2].astype(np.float32)
    means -= means.mean(axis=(0, 1))
    means /= np.linalg.norm(means, axis=-1, keepdims=True)
    (number, pictures, size) = means.shape
    cosines = (means.reshape(-1, size) @ means.reshape(-1, size).T).reshape(number, pictures, number, pictures)
    return cosines.max(axis=(1, 3))


def report(name: str, scores: np.ndarray, sources: np.ndarray, threshold: float | None) -> None:
    """Print a row of the table."""
    one, other = np.triu_indices(len(sources), 1)
    same, values = sources[one] == sources[other], scores[one, other]
    ranked = same[np.argsort(-values)]
    right = np.cumsum(ranked)
    precision = right / np.arange(1, len(ranked) + 1)
    average = (precision * ranked).sum() / max(1, same.sum())
    cells = [
        f"{average:.2f}",
        f"{precision[min(49, len(ranked) - 1)]:.2f}",
        f"{precision[min(99, len(ranked) - 1)]:.2f}",
    ]
    if threshold is not None:
        found = values > threshold
        cells += [
            f"{threshold:.2f}",
            f"{found.sum()}",
            f"{same[found].mean():.3f}",
            f"{same[found].sum() / same.sum():.3f}",
        ]
    print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pattern", type=re.compile)
    parser.add_argument("--copies", type=int, metavar="N")
    arguments = parser.parse_args()
    paths = [arguments.folder / name for name in list_videos(arguments.folder)]
    with tempfile.TemporaryDirectory() as temporary:
        if arguments.copies:
            paths = copies(paths[: arguments.copies], Path(temporary))
            sources = [path.name.partition("_")[0] for path in paths]
        else:
            sources = [
                match[arguments.pattern.groups and 1]
                for path in paths
                if (match := arguments.pattern.search(path.name))
            ]
        assert len(sources) == len(paths), "the pattern is not in every name"
        started_at, worked = time.monotonic(), time.process_time()
        signatures, seen = signatures_of(
            [str(path) for path in paths], lambda number: pictures_of(paths[number]), kept_path=Path(temporary, "kept")
        )
        assert signatures is not None
        wall, processor = time.monotonic() - started_at, time.process_time() - worked
    print(f"{len(seen)} videos: {wall / len(seen):.2f} s each, {processor / len(seen):.2f} s of processor time\n")
    print("| likeness | average precision | nearest 50 | nearest 100 | threshold | pairs | precision | recall |")
    print("|---|---|---|---|---|---|---|---|")
    chosen, named = Likeness(signatures), np.array(sources)[seen]
    report("plain", plain(signatures), named, None)
    everything = slice(0, len(seen))
    report("used", chosen.scores(everything, everything), named, chosen.threshold)


if __name__ == "__main__":
    main()
