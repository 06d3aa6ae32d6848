"""Objects -> files in a shard's scratch, a few at a time and ahead of who decodes them, and gone when they are decoded.

The scratch is bounded: no further object is brought where those that are there, or on their way, would take more than
`SCRATCH_BYTES` with it. One alone may be larger.
"""

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinema.media.extensions import split_extension
from kinema.media.failures import StoppedError
from kinema.media.listing import VideoFile
from kinema.media.probe import MediaError
from kinema.media.remote.address import split_address
from kinema.media.remote.errors import StoreError
from kinema.media.remote.retrying import retried
from kinema.media.remote.stores import Store, store_of

Row = dict[str, Any]
log = logging.getLogger(__name__)
AT_A_TIME = 4
SCRATCH_BYTES = 4 << 30
LOOK_SECONDS = 0.2  # how soon a wait notices that the run is to end
FAILED = "transfer failed"
CHANGED = "changed since it was listed"


@dataclass(kw_only=True)
class _Object:
    address: str
    file: VideoFile
    path: Path
    users: int = 0  # rows that still need it
    arrived: "Future[Path]" = field(default_factory=Future)


class Transfers:
    """Brings the objects of manifest rows to a folder, in the order of the rows; several rows may need one object."""

    def __init__(self, rows: Sequence[Row], *, folder: Path, stop: threading.Event):
        self._stop, self._closed = stop, threading.Event()
        self._objects: dict[str, _Object] = {}
        for row in rows:
            one = self._objects.setdefault(row["path"], _object(row, folder))
            one.users += 1
        self._waiting = deque(self._objects.values())
        self._held = 0  # objects that are there or on their way, and their bytes
        self._bytes = 0
        self._changed = threading.Condition()
        folder.mkdir(parents=True, exist_ok=True)
        # daemons, so that a request without an answer does not keep a process that is asked to end
        for _ in range(min(AT_A_TIME, len(self._waiting))):
            threading.Thread(target=self._work, name="transfer", daemon=True).start()

    def __enter__(self) -> "Transfers":
        return self

    def __exit__(self, *error: object) -> None:
        with self._changed:
            self._closed.set()
            self._changed.notify_all()
        for one in self._objects.values():
            one.path.unlink(missing_ok=True)

    @contextmanager
    def local(self, row: Row) -> Iterator[Path]:
        """The file of a row's object as long as the block runs.

        Raises MediaError where it could not be brought, OSError where it could not be written, StoppedError.
        """
        one = self._objects[row["path"]]
        try:
            yield self._wait(one)
        finally:
            self._release(one)

    def _wait(self, one: _Object) -> Path:
        while True:
            try:
                return one.arrived.result(LOOK_SECONDS)
            except NotYet:
                if one.arrived.done():
                    raise
                if self._stop.is_set():
                    raise StoppedError from None

    def _release(self, one: _Object) -> None:
        with self._changed:
            one.users -= 1
            if one.users == 0:
                one.path.unlink(missing_ok=True)
                self._held -= 1
                self._bytes -= one.file.size
                self._changed.notify_all()

    def _work(self) -> None:
        while (one := self._next()) is not None:
            try:
                fetch(one.address, one.file, one.path, stop=self._stop)
                one.arrived.set_result(one.path)
            except BaseException as error:  # for who waits for it
                one.arrived.set_exception(error)

    def _next(self) -> _Object | None:
        """The next object, as soon as there is room for it."""
        with self._changed:
            while not self._closed.is_set() and self._waiting:
                fits = self._bytes + self._waiting[0].file.size <= SCRATCH_BYTES
                if fits or not self._held:
                    one = self._waiting.popleft()
                    self._held += 1
                    self._bytes += one.file.size
                    return one
                self._changed.wait()
            return None


def listed_now(address: str) -> Row:
    """What a manifest row would say of an object. Raises MediaError where there is none, or it cannot be told."""
    origin, name = split_address(address)
    try:
        file = retried(lambda: store_of(origin).file(name))
    except StoreError as error:
        raise _reason(error) from None
    return {"path": address, "size": file.size, "token": file.token}


def fetch(address: str, file: VideoFile, path: Path, *, stop: threading.Event) -> None:
    """Bring an object that was listed as `file` to a path.

    Raises MediaError where that fails, OSError where the path cannot be written, StoppedError once `stop` is set.
    """
    origin, name = split_address(address)
    store = store_of(origin)
    path.write_bytes(b"")
    done = furthest = 0

    def attempt() -> None:
        nonlocal done, furthest
        for offset, data in store.blocks(name, done, file.size):
            if stop.is_set():
                raise StoppedError
            with path.open("r+b") as out:
                out.seek(offset)
                out.write(data)
            done = offset + len(data)
            furthest = max(furthest, done)
        if done < file.size:
            raise StoreError("passing", f"cut off after {done} of {file.size} bytes")

    try:
        retried(attempt, stop=stop, progress=lambda: furthest)
        _check_unchanged(store, name, file, stop)
    except StoreError as error:
        raise _failure(error, store, name, file, stop) from None


def _check_unchanged(store: Store, name: str, file: VideoFile, stop: threading.Event) -> None:
    """MediaError where an object is another one than was listed."""
    now = retried(lambda: store.file(name), stop=stop)
    if now != file:
        raise MediaError(CHANGED, detail="the next run lists the videos anew", passing=True)


def _failure(error: StoreError, store: Store, name: str, file: VideoFile, stop: threading.Event) -> MediaError:
    if error.kind == "refused":
        try:
            _check_unchanged(store, name, file, stop)  # of a shorter object there is no such part
        except MediaError as other:
            return other
        except StoreError:
            pass
    return _reason(error)


def _reason(error: StoreError) -> MediaError:
    if error.kind == "missing":
        return MediaError("missing")
    if error.kind == "denied":
        return MediaError("permission denied", detail=str(error), passing=True)
    return MediaError(FAILED, detail=str(error), passing=error.kind == "passing")


def _object(row: Row, folder: Path) -> _Object:
    # the same name in every run, since tools name the file in what they say
    name = hashlib.blake2b(row["path"].encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    path = folder / f"{name}{split_extension(row['path'])[1]}"
    return _Object(address=row["path"], file=VideoFile(row["size"], row["token"]), path=path)
