"""Where the videos of manifest rows are read: where they lie, or in a shard's scratch, to which they are brought."""

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from kinema.media.remote.address import folder_of, is_remote

Row = dict[str, Any]


class Sources(Protocol):
    """What gives files of rows."""

    def local(self, row: Row) -> AbstractContextManager[Path]:
        """The file of a row as long as the block runs. Raises MediaError where there is none."""


class LocalSources:
    """Files where they lie."""

    @contextmanager
    def local(self, row: Row) -> Iterator[Path]:
        """See `Sources`."""
        yield Path(row["path"])


LOCAL = LocalSources()


@contextmanager
def brought(root: Path | str, name: str) -> Iterator[Path]:
    """The file of a video below a folder, or an address, as long as the block runs.

    Raises MediaError if there is none behind an address.
    """
    if not is_remote(root):
        yield Path(root) / name
        return
    from kinema.media.remote.transfers import listed_now

    with tempfile.TemporaryDirectory(prefix="kinema-video-") as folder:
        row = listed_now(f"{folder_of(str(root))}{name}")
        with sources_of([row], scratch=Path(folder), stop=threading.Event()) as sources, sources.local(row) as path:
            yield path


@contextmanager
def sources_of(rows: Sequence[Row], *, scratch: Path, stop: threading.Event) -> Iterator[Sources]:
    """What gives the files of these rows, which are asked for in this order; `scratch` is a folder for remote ones."""
    if not any(is_remote(row["path"]) for row in rows):
        yield LOCAL
        return
    from kinema.media.remote.transfers import Transfers

    with Transfers(rows, folder=scratch, stop=stop) as transfers:
        yield transfers
