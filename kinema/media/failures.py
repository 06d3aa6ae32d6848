"""Whatever a video file brings about -> its own failure: no file may end the shard that it stands in."""

import contextlib
import logging
from collections.abc import Iterator

from kinema.media.probe import MediaError

log = logging.getLogger(__name__)


class StoppedError(Exception):
    """The run is ending; the video was given up half-way."""


@contextlib.contextmanager
def one_file(*, writes: bool = False) -> Iterator[None]:
    """Whatever goes wrong in the block is the failure of one file, a MediaError, and ends no shard.

    But StoppedError, and OSError where the block `writes` frames: no other file could be written either.
    """
    try:
        yield
    except (MediaError, StoppedError):
        raise
    except OSError as error:
        if writes:
            raise
        raise MediaError("unreadable", detail=str(error.strerror or error), passing=True) from error
    except MemoryError as error:
        raise MediaError("out of memory", passing=True) from error
    except Exception as error:
        log.debug("a failure that was not foreseen", exc_info=True)
        what = ": ".join(filter(None, (type(error).__name__, str(error))))
        raise MediaError("unexpected error", detail=what[:200], passing=True) from error
