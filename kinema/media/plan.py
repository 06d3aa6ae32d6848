"""Annotation files and one directory walk -> which file is which video, and which shard it belongs to.

A shard's manifest changes only when one of its own videos changes, and `plan.json` holds the digest of every manifest;
Snakemake compares those digests, so three new videos re-run three shards. The Snakefile imports this module on every
call: it needs the standard library only.
"""

import functools
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kinema.files import write_text
from kinema.media.listing import VIDEO_EXTENSIONS, VideoFile, list_videos, stem, without_extension

LABELLED_STORAGES = ("frames", "video")
SEGMENT_KEYS = ("start", "end", "unit")
NOT_BUILT_YET = "not-built-yet"


def shard_of(video_id: str, num_shards: int) -> int:
    """Shard of a video, in [0, num_shards): a fixed hash of its id, the same on every machine and for ever."""
    return int.from_bytes(hashlib.blake2b(video_id.encode(), digest_size=8).digest(), "big") % num_shards


def shard_name(shard: int) -> str:
    """The four digits by which files and wildcards name a shard."""
    return f"{shard:04d}"


def manifest_path(plan: Path, shard: str) -> Path:
    """Where the plan beside it keeps a shard's manifest."""
    return Path(plan).parent / "manifests" / f"{shard}.jsonl"


def plan_shards(
    annotations: Iterable[Path],
    *,
    videos: Path,
    num_shards: int,
    storage: str = "packed",
    out: Path,
    known: Path | None = None,
) -> None:
    """Write one manifest per shard below `out.parent/manifests`, then `out`: a JSON object {shard: manifest digest}.

    A manifest line is `{"id", "path", "size", "token", "duplicates"}`, sorted by id; `path` is null for a video that is
    not on disk, `duplicates` names the other files that claim the id, relative to `videos`. An entry that is part of a
    video adds `start`, `end` and `unit`; a storage that has a folder for each label adds `label`. An unchanged manifest
    is left alone. `known` remembers tokens (`kinema.media.listing`). Raises ValueError if not one of the annotated
    videos is on disk.
    """
    entries = _read_entries(annotations)
    files = _Files(list_videos(videos, known=known))
    shards: list[list[str]] = [[] for _ in range(num_shards)]
    num_found = 0
    for video_id in sorted(entries):
        row = _manifest_row(video_id, entries[video_id], videos, files)
        if storage in LABELLED_STORAGES:
            row["label"] = entries[video_id].label
        num_found += row["path"] is not None
        shards[shard_of(video_id, num_shards)].append(json.dumps(row) + "\n")
    if entries and not num_found:
        wanted = sorted({entry.video or video_id for video_id, entry in entries.items()})
        raise ValueError(_nothing_found(videos, wanted))
    digests = _write_manifests(Path(out).parent / "manifests", ["".join(lines) for lines in shards])
    write_text(Path(out), json.dumps(digests, indent=1) + "\n")


def shard_digest(plan: Path, shard: str) -> str:
    """The digest of a shard's manifest by a plan file, without the plan by the manifest; else `not-built-yet`.

    So a lost plan makes no shard stale.
    """
    try:
        # the plan is rewritten while Snakemake runs, so the cache must not outlive this version of the file
        digests = _read_plan(str(plan), Path(plan).stat().st_mtime_ns)
    except FileNotFoundError:
        manifest = manifest_path(plan, shard)
        return _manifest_digest(manifest.read_bytes()) if manifest.is_file() else NOT_BUILT_YET
    return digests.get(shard, NOT_BUILT_YET)


def _manifest_digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()


@functools.lru_cache(maxsize=32)
def _read_plan(plan: str, mtime_ns: int) -> dict[str, str]:
    return json.loads(Path(plan).read_text(encoding="utf-8"))


@dataclass(slots=True)
class _Files:
    """All videos, and their relative paths by stem: plain strings, since there may be hundreds of thousands."""

    listed: dict[str, VideoFile]
    by_stem: dict[str, str | list[str]] = field(default_factory=dict)

    def __post_init__(self):
        for relative in self.listed:
            known = self.by_stem.get(stem(relative))
            if known is None:
                self.by_stem[stem(relative)] = relative
            elif isinstance(known, list):
                known.append(relative)
            else:
                self.by_stem[stem(relative)] = [known, relative]

    def claiming(self, video_id: str) -> list[str]:
        """Sorted files that may be this video: for an id with folders, those whose path ends with it."""
        named = self.by_stem.get(video_id.rpartition("/")[2], [])
        candidates = [named] if isinstance(named, str) else sorted(named, key=_files_first)
        if "/" not in video_id:
            return candidates
        bare = {path: without_extension(path) for path in candidates}
        exact = [path for path in candidates if bare[path] == video_id]
        return exact or [path for path in candidates if bare[path].endswith("/" + video_id)]


class _Entry(NamedTuple):
    """What the plan needs of an annotation entry."""

    label: str | None
    video: str | None  # the file's name where the id is another: the entry is a part of it
    segment: dict[str, Any]


def _manifest_row(video_id: str, entry: _Entry, videos: Path, files: _Files) -> dict[str, Any]:
    claiming = files.claiming(entry.video or video_id)
    row: dict[str, Any] = {"id": video_id, "path": None, "size": None, "token": None, "duplicates": []}
    row |= entry.segment
    if not claiming:
        return row
    label = entry.label
    chosen = next((path for path in claiming if label is not None and _lies_under(path, label)), claiming[0])
    file = files.listed[chosen]
    others = [other for other in claiming if other != chosen]
    return row | {"path": str(Path(videos) / chosen), "size": file.size, "token": file.token, "duplicates": others}


def _lies_under(path: str, label: str) -> bool:
    """Whether a folder on the path is named like the label, be it with spaces or underscores, in any case."""
    return label.replace("_", " ").casefold() in path.replace("_", " ").casefold().split("/")[:-1]


def _files_first(path: str) -> tuple[bool, str]:
    """Pictures in a folder were made of a file: where both are there, the file is the video."""
    return not path.lower().endswith(VIDEO_EXTENSIONS), path


def _read_entries(annotations: Iterable[Path]) -> dict[str, _Entry]:
    """The entries of every file by video id; the first file that has the video wins."""
    entries: dict[str, _Entry] = {}
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
            entries.setdefault(video_id, _Entry(label, entry.get("video"), segment))
    return entries


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


def _nothing_found(videos: Path, ids: list[str]) -> str:
    wanted = ", ".join(repr(video_id) for video_id in ids[:3])
    extensions = " ".join(extension[1:] for extension in VIDEO_EXTENSIONS)
    state = "none of the annotated videos is there" if Path(videos).is_dir() else "no such folder"
    return (
        f"{videos}: {state}; wanted {len(ids)} videos such as {wanted}, as files of that name with an extension of "
        f"{extensions}, or as folders of that name with numbered pictures, at any depth. Put the videos there or "
        "correct `videos` of the data set."
    )
