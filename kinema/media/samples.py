"""A file, or a folder of pictures -> a hash of its size and of a sample of its bytes.

The Snakefile imports this module: it needs the standard library only.
"""

import functools
import hashlib
import logging
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from kinema.digests import ABSENT
from kinema.media.pictures import pictures_in, sampled

log = logging.getLogger(__name__)
UNREADABLE = "unreadable"  # of a file that cannot be opened; never remembered
WHOLE_BYTES = 256 << 10  # files up to this size are read whole
NUM_BLOCKS, BLOCK_BYTES = 16, 4 << 10  # of a larger one
READERS = 8  # files looked into at a time: waiting for a disk or a network, not for the processor
QUIET_SECONDS = 10.0  # looking into files for longer than this is told


def samples_of(root: Path, files: list[str]) -> Iterator[str]:
    """The sample of each file, in order; tells how far it is where that takes long."""
    if not files:
        return
    from multiprocessing.pool import ThreadPool

    started_at = spoke_at = time.monotonic()
    with ThreadPool(min(READERS, len(files))) as pool:
        for number, sample in enumerate(pool.imap(functools.partial(sample_of, root), files, chunksize=64)):
            yield sample
            if (now := time.monotonic()) - spoke_at > QUIET_SECONDS:
                rate = number / (now - started_at)
                log.warning("%s: looked into %d of %d new files, %.0f/s; once a file", root, number, len(files), rate)
                spoke_at = now


def sample_of(root: Path, relative: str) -> str:
    """Hash of a file's size and of a sample of its bytes."""
    try:
        with Path(root, relative).open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.blake2b(str(size).encode(), digest_size=8)
            for offset, length in _blocks(size):
                digest.update(os.pread(file.fileno(), length, offset))
    except FileNotFoundError:
        return ABSENT
    except IsADirectoryError:
        return _folder_sample(root, relative)
    except OSError:
        return UNREADABLE
    return digest.hexdigest()


def _folder_sample(root: Path, relative: str) -> str:
    """Hash of the names of the pictures of a folder, and of samples of three of them."""
    try:
        names = pictures_in(root / relative).names
    except FileNotFoundError:
        return ABSENT
    except OSError:
        return UNREADABLE
    if not names:
        return ABSENT
    samples = [sample_of(root, f"{relative}/{name}") for name in sampled(names)]
    if UNREADABLE in samples:
        return UNREADABLE
    text = "\0".join([*names, *samples])
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def _blocks(size: int) -> Iterable[tuple[int, int]]:
    """Offset and length of what is read of a file: all of a small one, else blocks from its first to its last byte."""
    if size <= WHOLE_BYTES:
        return [(0, size)]
    return [(number * (size - BLOCK_BYTES) // (NUM_BLOCKS - 1), BLOCK_BYTES) for number in range(NUM_BLOCKS)]
