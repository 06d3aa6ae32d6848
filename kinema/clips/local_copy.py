"""Frames on network storage -> the same files on a disk of the machine that trains, as long as they are used there.

Of the shards those are copied that hold a training or a validation video. Trainings of one project on one machine share
the copies; who ends last removes them. What a killed one left is used by the next one, and removed with it.
"""

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from kinema.clips.table import ClipIndex, mapped_path, subsets_of
from kinema.input_error import InputError
from kinema.job import ON_SCREEN, progress
from kinema.locks import one_after_another, one_of_several
from kinema.media.layout import arrow_table

log = logging.getLogger(__name__)
READ = ("training", "validation")  # subsets that a training reads
OF_MODALITY = {"rgb": ["shard"], "flow": ["flow_shard"], "rgb+flow": ["shard", "flow_shard"]}  # of a list of both
AT_A_TIME = 4
CHUNK_BYTES = 8 << 20
SPARE = 0.02  # of a disk, which stays free


@contextmanager
def local_copy(clips_path: Path, place: str | None, *, modality: str) -> Iterator[Path | None]:
    """A folder with copies of the frames that a training on this index reads, by the same relative paths.

    `modality` is what the model takes, `rgb`, `flow` or `rgb+flow`: of a list of both, the other is not copied.

    None where there is no `place` for them, or too little room on it, which is told. Raises InputError where the place
    cannot be used.
    """
    if place is None:
        yield None
        return
    folder = folder_of(place)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"training.local_copy: {folder.parent} cannot be made ({error.strerror}); name another folder"
        ) from None
    with one_of_several(folder.with_suffix(".lock"), last=lambda: _remove(folder)):
        folder.mkdir(mode=0o700, exist_ok=True)
        with one_after_another(folder / ".copying"):
            is_whole = _copy(read_files(clips_path, modality), folder)
        yield folder if is_whole else None


def folder_of(place: str) -> Path:
    """The folder of this project's copies; InputError where `place` names a variable that is not set."""
    expanded = os.path.expandvars(place)
    if lacking := re.search(r"\$\{?(\w+)", expanded):
        raise InputError(
            f"training.local_copy: {place}: the variable {lacking[1]} is not set where the training runs; "
            "name one that is, or a folder"
        )
    project = hashlib.blake2b(os.fsencode(Path.cwd().resolve()), digest_size=8).hexdigest()
    return Path(expanded).absolute() / f"kinema-{os.getuid()}-{project}"


def read_files(clips_path: Path, modality: str) -> list[Path]:
    """The files that a training of a model of this modality reads of the shards of this index: relative paths."""
    videos: dict[Path, set[str]] = {}
    for subset in {*READ}.intersection(subsets_of(clips_path)):
        index = ClipIndex(mapped_path(clips_path), subset)
        for column in OF_MODALITY[modality] if index.has_both else ["shard"]:
            pairs = pa.table({"shard": index.rows[column], "video": index.rows["video"]})
            for pair in pairs.group_by(["shard", "video"]).aggregate([]).drop_null().to_pylist():
                videos.setdefault(Path(pair["shard"]), set()).add(pair["video"])
    found: dict[Path, None] = {}
    for table, names in sorted(videos.items()):
        found[arrow_table(table)] = None
        with pa.memory_map(str(arrow_table(table))) as file:
            rows = pa.ipc.open_file(file).read_all().select(["id", "stored"])
        stored = rows.filter(pc.field("id").isin(list(names)))["stored"].drop_null().unique().to_pylist()
        found |= dict.fromkeys(map(Path, sorted(stored)))
    return list(found)


def _copy(files: list[Path], folder: Path) -> bool:
    """Copy what is not there yet; False, which is told, where that cannot be."""
    if any(path.is_dir() or path.is_absolute() for path in files):
        reason = "frames in single files (media.storage: frames), or of absolute paths, are not copied"
        log.warning("training.local_copy: %s; they are read where they are", reason, extra=ON_SCREEN)
        return False
    lacking = [path for path in files if not _is_copied(path, folder / path)]
    num_bytes = sum(path.stat().st_size for path in lacking)
    disk = shutil.disk_usage(folder)
    if num_bytes > disk.free - SPARE * disk.total:
        text = "training.local_copy: %s has %.1f GB free, the frames take %.1f GB; they are read where they are"
        log.warning(text, folder.parent, disk.free / 1e9, num_bytes / 1e9, extra=ON_SCREEN)
        return False
    if lacking:
        log.info("copying %d files, %.1f GB, to %s", len(lacking), num_bytes / 1e9, folder)
        with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="copy") as pool:
            done = pool.map(lambda path: copy_file(path, folder / path), lacking)
            for _ in progress(done, description="copying files", total=len(lacking)):
                pass
    return True


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, read the copy and compare the digests; the copy gets the time of the source, as a sign of that.

    Raises OSError where they differ.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part, before = target.with_name(f".{target.name}.part"), source.stat()
    written = hashlib.blake2b()
    with source.open("rb") as whole, part.open("wb") as copy:
        while chunk := whole.read(CHUNK_BYTES):
            written.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # so that the disk is read below
    with part.open("rb") as copy:
        found = hashlib.file_digest(copy, "blake2b")
    if found.digest() != written.digest() or part.stat().st_size != before.st_size:
        part.unlink()
        raise OSError(f"{target}: the copy is not what {source} is; the disk, or the network, loses data")
    os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))
    part.replace(target)


def _is_copied(source: Path, target: Path) -> bool:
    """Whether a copy was made, and checked, of the file as it is now."""
    try:
        copy = target.stat()
    except FileNotFoundError:
        return False
    now = source.stat()
    return (copy.st_size, copy.st_mtime_ns) == (now.st_size, now.st_mtime_ns)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
