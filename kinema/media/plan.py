"""Annotation files and one directory walk -> which file is which video, and which shard it belongs to.

A shard's manifest changes only when one of its own videos changes, and `plan.json` holds the digest of every manifest;
Snakemake compares those digests, so three new videos re-run three shards. The Snakefile imports this module on every
call: it needs the standard library only.
"""

import functools
import hashlib
import json
import logging
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kinema.files import write_text
from kinema.input_error import InputError
from kinema.media.extensions import in_words
from kinema.media.listing import VideoFile, list_videos
from kinema.media.names import Finder, Found, Name
from kinema.media.remote.address import folder_of, is_remote
from kinema.spelling import composed, told_apart

log = logging.getLogger(__name__)
SEGMENT_KEYS = ("start", "end", "unit")
SHOWN = 5  # names in a warning
NOT_BUILT_YET = "not-built-yet"


def shard_of(video_id: str, num_shards: int) -> int:
    """Shard of a video, in [0, num_shards): a fixed hash of its id, the same on every machine and for ever."""
    return int.from_bytes(hashlib.blake2b(video_id.encode(), digest_size=8).digest(), "big") % num_shards


def shard_name(shard: int) -> str:
    """The four digits by which files and wildcards name a shard."""
    return f"{shard:04d}"


def manifest_path(plan_path: Path, shard: str) -> Path:
    """Where the plan beside it keeps a shard's manifest."""
    return Path(plan_path).parent / "manifests" / f"{shard}.jsonl"


def plan_shards(
    annotation_paths: Iterable[Path],
    *,
    video_folder: Path | str,
    num_shards: int,
    with_labels: bool = False,
    out: Path,
    known_path: Path | None = None,
) -> None:
    """Write one manifest per shard below `out.parent/manifests`, then `out`: a JSON object {shard: manifest digest}.

    A manifest line is `{"id", "path", "size", "token", "duplicates"}`, sorted by id; `path` is null for a video that is
    not there, `duplicates` names the other files that claim the id, relative to `video_folder`, which may be an address
    (`kinema.media.remote`). An entry that is part of a video adds `start`, `end` and `unit`; `with_labels`, for
    storages with a folder a label, adds `label`; a video that is not there while a file looks like it adds a `hint`. An
    unchanged manifest is left alone. `known_path` remembers tokens (`kinema.media.listing`). Raises InputError if not
    one of the annotated videos is there.
    """
    entries, again = _read_entries(annotation_paths)
    files = list_videos(video_folder, known=known_path)
    finder = Finder(files, lambda: (entry.name_of(video_id) for video_id, entry in entries.items()), root=video_folder)
    # joining path by path takes long
    above = folder_of(str(video_folder)) if is_remote(video_folder) else str(Path(video_folder) / "_")[:-1]
    shards: list[list[str]] = [[] for _ in range(num_shards)]
    respelled: dict[str, str] = {}
    num_found, hint = 0, None
    for video_id in sorted(entries):
        entry = entries[video_id]
        found = finder.find(entry.name_of(video_id))
        row = _manifest_row(video_id, entry, above, found, files)
        if with_labels:
            row["label"] = entry.label
        if found.files and not found.is_as_written:
            respelled[video_id] = found.files[0]
        num_found += bool(found.files)
        hint = hint or (found.hint and f"{video_id!r}: {found.hint}")
        shards[shard_of(video_id, num_shards)].append(json.dumps(row) + "\n")
    if entries and not num_found:
        wanted = sorted({entry.video or video_id for video_id, entry in entries.items()})
        raise InputError(_nothing_found(video_folder, wanted, hint))
    _tell_respelled(respelled)
    _tell_other_files(again, entries, finder)
    digests = _write_manifests(Path(out).parent / "manifests", ["".join(lines) for lines in shards])
    write_text(Path(out), json.dumps(digests, indent=1) + "\n")


def shard_digest(plan_path: Path, shard: str) -> str:
    """The digest of a shard's manifest by a plan file, without the plan by the manifest; else `not-built-yet`.

    So a lost plan makes no shard stale.
    """
    try:
        # the plan is rewritten while Snakemake runs, so the cache must not outlive this version of the file
        digests = _read_plan(str(plan_path), Path(plan_path).stat().st_mtime_ns)
    except FileNotFoundError:
        manifest = manifest_path(plan_path, shard)
        return _manifest_digest(manifest.read_bytes()) if manifest.is_file() else NOT_BUILT_YET
    return digests.get(shard, NOT_BUILT_YET)


def _manifest_digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()


@functools.lru_cache(maxsize=32)
def _read_plan(plan: str, mtime_ns: int) -> dict[str, str]:
    return json.loads(Path(plan).read_text(encoding="utf-8"))


class _Entry(NamedTuple):
    """What the plan needs of an annotation entry."""

    label: str | None
    video: str | None  # the file's name where the id is another: the entry is a part of it
    extension: str  # of the file in the list, or an empty text
    segment: dict[str, Any]

    def name_of(self, video_id: str) -> Name:
        """How the list calls the file."""
        return Name(self.video or video_id, self.extension)


def _manifest_row(
    video_id: str, entry: _Entry, above: str, found: Found, files: Mapping[str, VideoFile]
) -> dict[str, Any]:
    row: dict[str, Any] = {"id": video_id, "path": None, "size": None, "token": None, "duplicates": []}
    row |= entry.segment
    if not found.files:
        return row | {"hint": found.hint} if found.hint else row
    chosen = found.files[0]
    if entry.label is not None and len(found.files) > 1:
        chosen = next((path for path in found.files if _lies_under(path, entry.label)), chosen)
    file = files[chosen]
    others = [other for other in found.files if other != chosen]
    return row | {"path": above + chosen, "size": file.size, "token": file.token, "duplicates": others}


def _lies_under(path: str, label: str) -> bool:
    """Whether a folder on the path is named like the label, be it with spaces or underscores, in any case."""
    return _as_folder(label) in _as_folder(path).split("/")[:-1]


def _as_folder(text: str) -> str:
    return composed(text).replace("_", " ").casefold()


def _tell_respelled(respelled: dict[str, str]) -> None:
    if respelled:
        some = [f"{' is '.join(told_apart(pair))}" for pair in list(respelled.items())[:SHOWN]]
        log.warning("%d files have another name than in the list, such as %s", len(respelled), ", ".join(some))


def _tell_other_files(again: dict[str, _Entry], entries: dict[str, _Entry], finder: Finder) -> None:
    """Warn where lists of one corpus mean files that differ in the extension by the same id."""
    pairs = {
        video_id: [finder.find(one.name_of(video_id)).files for one in (entries[video_id], entry)]
        for video_id, entry in again.items()
    }
    several = {video_id: found[0][0] for video_id, found in pairs.items() if all(found) and found[0] != found[1]}
    if several:
        some = ", ".join(f"'{video_id}', here {told_apart([file])[0]}" for video_id, file in [*several.items()][:SHOWN])
        text = "%d videos are other files (by the extension) in another list of this corpus: %s; give it one of its own"
        log.warning(text, len(several), some)


def _read_entries(annotations: Iterable[Path]) -> tuple[dict[str, _Entry], dict[str, _Entry]]:
    """The entries of every file by video id, and those that a later file has with another extension.

    The first file that has the video wins.
    """
    entries: dict[str, _Entry] = {}
    again: dict[str, _Entry] = {}
    for path in annotations:
        try:
            database = json.loads(Path(path).read_text(encoding="utf-8"))["database"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path}: not an annotation file ({error!r}); expected {{"labels": [...], "database": ...}}'
            ) from error
        for video_id, entry in database.items():
            label = (entry.get("annotations") or {}).get("label")
            segment = {key: entry[key] for key in SEGMENT_KEYS if key in entry}
            extension = sys.intern(entry.get("extension") or "")
            given = _Entry(label, entry.get("video"), extension, segment)
            first = entries.setdefault(video_id, given)
            if extension and first.extension not in ("", extension):
                again[video_id] = given
    return entries, again


def _write_manifests(folder: Path, texts: list[str]) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    digests = {}
    for shard, text in enumerate(texts):
        path = folder / f"{shard_name(shard)}.jsonl"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
        digests[shard_name(shard)] = _manifest_digest(text.encode())
    for path in folder.glob("*.jsonl"):  # left by an earlier, larger number of shards
        if path.stem not in digests:
            path.unlink()
    return digests


def _nothing_found(video_folder: Path | str, ids: list[str], hint: str | None) -> str:
    wanted = ", ".join(repr(video_id) for video_id in ids[:3])
    is_there = is_remote(video_folder) or Path(video_folder).is_dir()
    state = "none of the annotated videos is there" if is_there else "no such folder"
    return (
        f"{video_folder}: {state}; wanted {len(ids)} videos such as {wanted}, as files of that name with an "
        f"extension of {in_words()}, or as folders of that name with numbered pictures, at any depth. "
        "Put the videos there or correct `videos` of the data set."
        + (f" Is another name meant? {hint}." if hint else "")
    )
