"""An address -> the store behind it: what lies there, and the bytes of one object. Every failure is a StoreError."""

import functools
import logging
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Protocol

from kinema.input_error import InputError
from kinema.media.listing import VideoFile
from kinema.media.remote.errors import StoreError, meaning
from kinema.media.remote.retrying import retried
from kinema.words import missing_package

BLOCK_BYTES = 16 << 20  # of one request
SILENCE_SECONDS = 60.0  # after which a connection is given up
REQUESTS = 64  # of SFTP, 32 KiB each, on their way at a time
BLOCK_SECONDS = 300.0  # in which that many bytes must arrive
# By scheme: the package that fsspec needs, and the extra that has it; without one it is installed by its own name.
PACKAGES = {"s3": ("s3fs", "remote"), "sftp": ("paramiko", "remote"), "gs": ("gcsfs", None), "az": ("adlfs", None)}
# Libraries that tell of their requests: kept out of the logs of jobs.
TALKATIVE = ("aiobotocore", "botocore", "s3fs", "fsspec", "gcsfs", "adlfs", "azure", "paramiko", "asyncio")
IDENTITIES = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "updated", "mtime")


class Store(Protocol):
    """A bucket, or a server. Paths have no slash at their ends."""

    def objects(self, folder: str, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, VideoFile]]:
        """All that lies below a folder, by its path relative to it; what is not wanted may have an empty identity."""

    def file(self, path: str) -> VideoFile:
        """Size and identity of an object, as they are now."""

    def blocks(self, path: str, start: int, size: int) -> Iterator[tuple[int, bytes]]:
        """Offset and bytes of an object of `size` from `start` on; from 0 where a server cannot begin elsewhere."""


@functools.lru_cache
def store_of(origin: str) -> Store:
    """The store behind an address without its path. InputError where a package is lacking."""
    if origin.startswith("http"):
        from kinema.media.remote.web import WebStore

        return WebStore(origin)
    return BucketStore(origin)


class BucketStore:
    """What fsspec reads: S3, Google Cloud Storage, Azure Blob Storage, and servers of SFTP."""

    def __init__(self, origin: str):
        self.origin, self.scheme = origin, origin.partition("://")[0]
        # a connection of SFTP belongs to one thread
        self._kept: Any = threading.local() if self.scheme == "sftp" else SimpleNamespace()
        self._opening = threading.Lock()

    def objects(self, folder: str, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, VideoFile]]:
        """See `Store`."""
        if self.scheme == "s3":
            yield from self._pages(folder)
            return
        top = self._inner(folder).rstrip("/")
        found = self._walked(top) if self.scheme == "sftp" else self._found(top)
        for path, about in found:
            if about.get("type") == "file":
                yield path.removeprefix(top).lstrip("/"), _identified(about)

    def file(self, path: str) -> VideoFile:
        """See `Store`."""
        about = self._asked("info", self._inner(path))
        if about.get("type") == "directory":
            raise StoreError("missing", "not found")
        return _identified(about)

    def blocks(self, path: str, start: int, size: int) -> Iterator[tuple[int, bytes]]:
        """See `Store`."""
        while start < size:
            end = min(start + BLOCK_BYTES, size)
            data = self._asked("cat_file", self._inner(path), start=start, end=end)
            yield start, data
            if len(data) < end - start:
                return
            start = end

    def _found(self, top: str) -> Iterator[tuple[str, dict[str, Any]]]:
        found = retried(lambda: self._asked("find", top, detail=True))
        if not found:
            self._see_that_it_is_there()
        yield from found.items()

    def _see_that_it_is_there(self) -> None:
        """StoreError where there is no such container: adlfs lists it as an empty one."""
        try:
            retried(lambda: self._asked("info", self._inner("")))
        except StoreError as error:
            if error.kind != "denied":  # who may list objects need not be allowed to ask for this
                raise

    def _walked(self, top: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Folder by folder: where one cannot be listed, fsspec's `find` leaves it out without a word."""
        folders = [top or "/"]
        while folders:
            for about in retried(functools.partial(self._asked, "ls", folders.pop(), detail=True)):
                if about["type"] == "directory":
                    folders.append(about["name"])
                else:
                    yield about["name"], self._followed(about) if about["type"] == "link" else about

    def _followed(self, link: dict[str, Any]) -> dict[str, Any]:
        """What a link leads to; one to a folder is not entered, and one that leads nowhere is left out."""
        try:
            return retried(lambda: self._asked("info", link["name"]))
        except StoreError as error:
            if error.kind != "missing":
                raise
            return link

    def _pages(self, folder: str) -> Iterator[tuple[str, VideoFile]]:
        """A listing of S3, page by page: fsspec's own takes a gigabyte for Kinetics."""
        bucket, prefix = self.origin.partition("://")[2], f"{folder}/" if folder else ""
        further: dict[str, str] = {}
        while True:
            request = functools.partial(self._asked, "call_s3", "list_objects_v2", Bucket=bucket, Prefix=prefix)
            page = retried(functools.partial(request, **further))
            for one in page.get("Contents", ()):
                if not one["Key"].endswith("/"):
                    about = {"size": one["Size"], "ETag": one["ETag"]}
                    yield one["Key"].removeprefix(prefix), _identified(about)
            if not page.get("IsTruncated"):
                return
            further = {"ContinuationToken": page["NextContinuationToken"]}

    def _asked(self, method: str, *args: Any, **options: Any) -> Any:
        try:
            system = self._system()
            if self.scheme == "sftp":
                return getattr(_Sftp(system) if method == "cat_file" else system, method)(*args, **options)
            return getattr(system, method)(*args, **options, timeout=BLOCK_SECONDS)
        except (StoreError, InputError):
            raise
        except Exception as error:
            if self.scheme == "sftp":
                self._kept.system = None  # a connection that broke is none any more
            raise meaning(error) from None

    def _system(self) -> Any:
        with self._opening:
            if getattr(self._kept, "system", None) is None:
                self._kept.system = self._opened()
            return self._kept.system

    def _opened(self) -> Any:
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            import fsspec

            system, _ = fsspec.url_to_fs(f"{self.origin}/", **self._options())
        except ImportError as error:
            package, extra = PACKAGES[self.scheme]
            told = missing_package(f"{self.scheme}://", package, extra) if extra else _how_to_install(package)
            raise InputError(f"{self.origin}: {told}") from error
        system.retries = 1  # s3fs's own
        if self.scheme == "sftp":
            system.ftp.get_channel().settimeout(SILENCE_SECONDS)
        return system

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
        if self.scheme == "s3":
            # `retried` waits and tries again, and nothing below it
            options["config_kwargs"] = {"retries": {"total_max_attempts": 1, "mode": "standard"}}
        if self.scheme == "sftp":
            from kinema.media.remote.known_hosts import KnownHosts

            options = {"skip_instance_cache": True, "host_key_policy": KnownHosts()}
        return options

    def _inner(self, path: str) -> str:
        """A path as fsspec takes it."""
        if self.scheme == "sftp":
            return f"/{path}"
        bucket = self.origin.partition("://")[2]
        return f"{bucket}/{path}" if path else bucket


class _Sftp:
    """Reads a part of a file in requests that do not wait for each other's answer, as fsspec's do."""

    def __init__(self, system: Any):
        self._client = system.ftp

    def cat_file(self, path: str, *, start: int, end: int) -> bytes:
        """Bytes [start, end) of a file."""
        with self._client.open(path, "rb") as file:
            return b"".join(file.readv([(start, end - start)], max_concurrent_prefetch_requests=REQUESTS))


def _identified(about: dict[str, Any]) -> VideoFile:
    token = next((str(about[name]) for name in IDENTITIES if about.get(name)), "")
    return VideoFile(int(about["size"] or 0), plain_token(token))


def plain_token(text: str) -> str:
    """An ETag, or a time, on one line and without its quotes; `-` where there is none: the size alone counts then."""
    # a dash would have a meaning: `kinema.media.tokens`
    return "".join(text.replace('"', "").replace("-", "_").split()) or "-"


def _how_to_install(package: str) -> str:
    return f"fsspec needs {package} for it, which is not installed: `pip install {package}` has it"
