"""A server of HTTP with pages that list its folders, as nginx, Apache, Caddy and `python -m http.server` make them.

Not through fsspec, which says "not found" of an answer of 503 as well, and knows no time of a file: what failed could
not be told from what is missing. The standard library asks, with proxies of the environment and ~/.netrc.
"""

import base64
import functools
import http.client
import netrc
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

from kinema.media.listing import VideoFile
from kinema.media.remote import stores
from kinema.media.remote.errors import StoreError, meaning, of_status
from kinema.media.remote.retrying import retried

READERS = 8  # files asked for at a time: waiting for the network
CHUNK_BYTES = 1 << 20
LARGEST_PAGE = 64 << 20
NO_HEAD = (405, 501)
KEPT = "/!$&'()*+,;=:@~"  # what need not be quoted in a path


class WebStore:
    """See `kinema.media.remote.stores.Store`; paths are as people write them, unquoted."""

    def __init__(self, origin: str):
        self.origin = origin

    def objects(self, folder: str, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, VideoFile]]:
        """See `Store`. A file that is gone is left out; one that is not told about fails when it is its turn."""
        names = sorted(self._names(f"{folder}/" if folder else ""))
        above = f"{folder}/" if folder else ""

        def about(name: str) -> VideoFile | None:
            if not is_wanted(name):
                return VideoFile(0, "-")
            try:
                return retried(lambda: self.file(above + name))
            except StoreError as error:
                if error.kind == "passing":
                    raise
                return None if error.kind == "missing" else VideoFile(0, "-")

        with ThreadPoolExecutor(READERS, thread_name_prefix="listing") as pool:
            for name, file in zip(names, pool.map(about, names), strict=True):
                if file:
                    yield name, file

    def file(self, path: str) -> VideoFile:
        """See `Store`."""
        try:
            with self._answer(path, method="HEAD") as answer:
                return _identified(answer.headers, answer.headers.get("Content-Length"))
        except StoreError as error:
            if not any(f"HTTP {status}" == str(error) for status in NO_HEAD):
                raise
        with self._answer(path, headers={"Range": "bytes=0-0"}) as answer:
            whole = (answer.headers.get("Content-Range") or "").rpartition("/")[2]
            return _identified(answer.headers, whole or answer.headers.get("Content-Length"))

    def blocks(self, path: str, start: int, size: int) -> Iterator[tuple[int, bytes]]:
        """See `Store`. Of a connection that is cut the rest is missing, and no error is raised."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._answer(path, headers=headers) as answer:
            offset = start if answer.status == http.HTTPStatus.PARTIAL_CONTENT else 0
            end_of_block, until = offset + stores.BLOCK_BYTES, time.monotonic() + stores.BLOCK_SECONDS
            while offset < size and (data := answer.read1(CHUNK_BYTES)):
                yield offset, data
                offset += len(data)
                if offset >= end_of_block:
                    end_of_block, until = offset + stores.BLOCK_BYTES, time.monotonic() + stores.BLOCK_SECONDS
                elif time.monotonic() > until:
                    raise StoreError("passing", "too slow")

    def _names(self, top: str) -> Iterator[str]:
        """All files below a folder of the server, relative to it."""
        folders, seen = [""], {""}
        while folders:
            folder = folders.pop()
            page = retried(functools.partial(self._page, top + folder))
            for name in _linked(self._url(top + folder), page):
                if name.endswith("/"):
                    if folder + name not in seen:
                        seen.add(folder + name)
                        folders.append(folder + name)
                else:
                    yield folder + name

    def _page(self, path: str) -> str:
        with self._answer(path) as answer:
            kind = answer.headers.get_content_type()
            if "html" not in kind:
                raise StoreError("refused", f"no page that lists a folder, but {kind}")
            return answer.read(LARGEST_PAGE).decode(answer.headers.get_content_charset() or "utf-8", "replace")

    def _url(self, path: str) -> str:
        return f"{self.origin}/{quote(path, safe=KEPT, errors='surrogateescape')}"

    @contextmanager
    def _answer(self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> Iterator[Any]:
        request = urllib.request.Request(self._url(path), method=method, headers=headers or {})
        if login := _login(urlsplit(self.origin).hostname or ""):
            request.add_unredirected_header("Authorization", login)  # for this host, and no other
        try:
            with urllib.request.urlopen(request, timeout=stores.SILENCE_SECONDS) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            error.close()
            raise of_status(error.code) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise meaning(error) from None


def _identified(headers: Any, length: str | None) -> VideoFile:
    token = headers.get("ETag") or headers.get("Last-Modified") or ""
    if not (length or "").isdecimal():
        raise StoreError("refused", "the server tells no size")
    return VideoFile(int(length or 0), stores.plain_token(token))


@functools.lru_cache
def _login(host: str) -> str | None:
    """What ~/.netrc has for a host, as a header."""
    try:
        found = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    if not found:
        return None
    return "Basic " + base64.b64encode(f"{found[0]}:{found[2]}".encode()).decode()


def _linked(url: str, page: str) -> Iterator[str]:
    """What a page links to that lies in its own folder: names, with a slash at the end those of folders."""
    parser = _Links()
    parser.feed(page)
    for link in dict.fromkeys(parser.found):
        try:
            whole = urldefrag(urljoin(url, link))[0]
        except ValueError:
            continue
        name = unquote(whole.removeprefix(url), errors="surrogateescape")
        is_below = whole.startswith(url) and name.rstrip("/") and "?" not in whole
        if is_below and "/" not in name.rstrip("/") and name.rstrip("/") not in (".", ".."):
            yield name


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a link leads."""
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]
