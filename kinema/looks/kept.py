"""Signatures that are kept beside what they were made of, so that a video is looked at once."""

import logging
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kinema.files import atomic_path
from kinema.job import progress
from kinema.looks.signatures import ENCODER, PARTS, TEXTURE, Signatures, Signer
from kinema.looks.squares import NUM_PICTURES, SIDE
from kinema.media.probe import MediaError

log = logging.getLogger(__name__)
MADE_BY = f"{ENCODER} {TEXTURE} {PARTS}, {NUM_PICTURES} pictures of {SIDE}, 1"  # another text: others are made
Pictures = Callable[[int], np.ndarray]


def signatures_of(keys: Sequence[str], pictures: Pictures, *, kept_path: Path) -> tuple[Signatures | None, list[int]]:
    """Signatures of videos, and their numbers; None where there are none. Those without a picture are left out.

    `keys` say of each video what is in it; `pictures` gives those of a number (`kinema.looks.squares`). What
    `kept_path` holds is not made again; it holds all of them afterwards, and what was done of them after an error. What
    it held of others stays: several data sets share a corpus.
    """
    known = _read(kept_path)
    new = [number for number, key in enumerate(keys) if key not in known]
    if new:
        made: dict[str, Signatures] = {}
        try:
            _sign(made, {number: keys[number] for number in new}, pictures)
        finally:
            known |= made
            # with what another job has written meanwhile
            _write(kept_path, _read(kept_path) | known)
    rows = [number for number, key in enumerate(keys) if key in known]
    return (Signatures.joined([known[keys[number]] for number in rows]) if rows else None), rows


def _sign(made: dict[str, Signatures], wanted: dict[int, str], pictures: Pictures) -> None:
    signer = Signer()
    unseen = []
    for number, key in progress(wanted.items(), description="looking at videos", total=len(wanted)):
        try:
            made[key] = signer.sign(pictures(number))
        except MediaError as error:
            unseen.append(str(error))
    if unseen:
        log.warning("%d videos could not be looked at, such as one that is: %s", len(unseen), unseen[0])


def _read(path: Path) -> dict[str, Signatures]:
    """What is kept, by key; nothing of a file that is damaged or was made in another way."""
    try:
        with np.load(path) as file:
            if str(file["made_by"]) != MADE_BY:
                return {}
            held = Signatures(**{name: file[name] for name in ("texture", "parts", "layout")})
            return {str(key): held.take([row]) for row, key in enumerate(file["keys"])}
    except FileNotFoundError:
        return {}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        log.warning("%s: cannot be read (%s); the videos are looked at again", path, error)
        return {}


def _write(path: Path, signatures: dict[str, Signatures]) -> None:
    if not signatures:
        return
    held = Signatures.joined(list(signatures.values()))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez(file, made_by=MADE_BY, keys=np.array(list(signatures)), **vars(held))
