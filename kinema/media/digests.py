"""Bytes on disk -> digests: of a source video, which finds copies and tells a touched file from another one."""

import functools
import hashlib
from pathlib import Path

from kinema.media.probe import MediaError

HEX_DIGITS = 32


@functools.lru_cache(maxsize=64)
def content_hash(path: str, token: str) -> str:
    """Hash of a file's bytes; read once for all segments of a file. `token` tells versions of the file apart.

    Raises MediaError if it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()[:HEX_DIGITS]
    except FileNotFoundError as error:
        raise MediaError("missing") from error
    except PermissionError as error:
        raise MediaError("permission denied", passing=True) from error
    except OSError as error:
        raise MediaError("unreadable", detail=str(error.strerror), passing=True) from error
