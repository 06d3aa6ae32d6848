"""Bytes on disk -> digests: of a source video, and of the frames that are stored of it."""

import functools
import hashlib
from pathlib import Path

from kinema.media.frame_folders import listed, read
from kinema.media.probe import opened

HEX_DIGITS = 32
READ_BYTES = 1 << 20


@functools.lru_cache(maxsize=64)
def content_hash(path: str, token: str) -> str:
    """Hash of a file's bytes; read once for all segments of a file. `token` tells versions of the file apart.

    Of a folder that of its numbered pictures. Raises MediaError if it cannot be read.
    """
    if Path(path).is_dir():
        return folder_hash(Path(path))
    with opened(path) as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:HEX_DIGITS]


def folder_hash(folder: Path) -> str:
    """Hash of the bytes of a folder's pictures and of their numbers, counted from the first; names do not matter.

    Raises MediaError as `content_hash`.
    """
    found, total = listed(folder), hashlib.blake2b(digest_size=HEX_DIGITS // 2)
    for name, number in zip(found.names, found.numbers, strict=True):
        total.update(b"%d:%b" % (number - found.numbers[0], hashlib.blake2b(read(folder / name)).digest()))
    return total.hexdigest()


class FramesDigest:
    """Digest of the stored bytes of one video: its JPEG files back to back, whether packed or not, or its mp4 file.

    It depends on them alone, not on the place: two equal decodes have equal digests.
    """

    def __init__(self):
        self._hash = hashlib.blake2b(digest_size=HEX_DIGITS // 2)

    def add(self, data: bytes) -> None:
        """Take in the bytes that come next."""
        self._hash.update(data)

    def add_part(self, path: Path, start: int, length: int) -> None:
        """Take in bytes of a file; OSError where it ends before."""
        with path.open("rb") as file:
            file.seek(start)
            while length:
                chunk = file.read(min(length, READ_BYTES))
                if not chunk:
                    raise OSError(f"{path} ends {length} bytes early")
                length -= len(chunk)
                self.add(chunk)

    def __str__(self) -> str:
        return self._hash.hexdigest()
