"""What a clip index is made of, subset by subset, in a few digests: clips.json beside clips.parquet.

A training reads the training videos, and the validation videos where these choose the epoch; an evaluation reads what
it scores. Each rule puts the digests of what it reads into its params, so that a new testing video retrains nothing.
The Snakefile imports this module on every call: it needs the standard library only.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kinema.digests import ABSENT, digest
from kinema.records.json_file import write_json

NO_VIDEOS = "no videos"
PARITY_ORDER = ("validation", "testing", "training")  # where the clips come from that gate 1 compares logits on


def write_parts(
    path: Path,
    columns: Mapping[str, Sequence[Any]],
    *,
    labels: Sequence[str],
    groups: Sequence[str | None],
    rates: Sequence[Any],
    annotated: Mapping[str, int],
) -> None:
    """Write the digests of an index.

    `columns` describe the usable videos, in the order of the index: subset, label_index, and what else tells one
    content from another; `groups` are theirs, which no training reads, and `rates` say when their frames are shown,
    which counts where clips are taken in time (`clip.fps`). `annotated` counts the listed videos of each subset that
    have a class, whether or not they can be used.
    """
    rows = list(zip(*(columns[name] for name in sorted(columns)), strict=True))
    subsets = list(columns["subset"])
    parts = {}
    for subset in sorted(set(subsets)):
        chosen = [number for number, of in enumerate(subsets) if of == subset]
        labelled = sum(columns["label_index"][number] >= 0 for number in chosen)
        found = _hash(rows[number] for number in chosen)
        parts[subset] = {
            "digest": found,
            "groups": _hash((groups[number],) for number in chosen),
            "rates": _hash((rates[number],) for number in chosen),
            "videos": len(chosen),
            "labelled": labelled,
            "annotated": annotated.get(subset, 0),
        }
    write_json(path, {"labels": digest(list(labels)), "parts": parts})


def parts_digests(path: Path, names: Iterable[str | None], *, with_rates: bool = False) -> dict[str, str]:
    """Digests of the labels and of some parts; `absent` where there is no index yet.

    Of parts whose clips are taken in time, `with_rates`, also those of the frame rates.
    """
    known = _read(path)
    if known is None:
        return {"index": ABSENT}
    found = {}
    for name in filter(None, names):
        part = known["parts"].get(name, {})
        found[name] = part.get("digest", NO_VIDEOS)
        if with_rates:
            found[f"rates of {name}"] = part.get("rates", NO_VIDEOS)
    return {"labels": known["labels"], **found}


def part_listed(path: Path, name: str | None) -> dict[str, Any]:
    """What an evaluation knows of a part beside its videos: the number that is listed with a class, groups."""
    part = ((_read(path) or {}).get("parts") or {}).get(name, {})
    return {key: part.get(key) for key in ("annotated", "groups")}


def num_annotated(path: Path, name: str) -> int:
    """Listed videos of a subset that have a class; ValueError where the file is not there or is of an older kinema."""
    if (number := part_listed(path, name)["annotated"]) is None:
        raise ValueError(f"{path}: does not say how many {name} videos are listed; delete it and run again")
    return number


def labelled_parts(path: Path) -> dict[str, bool]:
    """Whether a video of it has a label, for each subset that has videos; none where there is no index yet."""
    return {name: part["labelled"] > 0 for name, part in ((_read(path) or {}).get("parts") or {}).items()}


def parity_part(path: Path) -> str | None:
    """The subset of the clips on which an exported network is compared with the trained one."""
    known = (_read(path) or {}).get("parts") or {}
    return next((name for name in PARITY_ORDER if name in known), None)


def _hash(rows: Iterable[tuple[Any, ...]]) -> str:
    found = hashlib.blake2b(digest_size=16)
    for row in rows:
        found.update(json.dumps(row).encode() + b"\n")
    return found.hexdigest()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise ValueError(f"{path}: cut off or edited ({error}); delete it and run again, which makes it anew") from None
