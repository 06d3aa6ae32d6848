"""Videos on a server of HTTP that lists its folders, and what errors of libraries mean."""

import http.client
import ssl
import threading
import urllib.error
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from media_corpus import Corpus, make_video
from remote_servers import running, serving_folder

from kinema.input_error import InputError
from kinema.media import shard
from kinema.media.listing import VideoFile, list_videos, listing_digest
from kinema.media.remote import retrying, stores, transfers, web
from kinema.media.remote.errors import meaning

CONTENT = bytes(range(256)) * 4096  # a megabyte
PAGE = """<html><body><a href="../">Parent</a> <a href="?C=N;O=D">Name</a> <A class="x" HREF='a%20b.mp4'>a b</A>
<a href="/videos/sub/">sub</a><a href="https://elsewhere/x.mp4">x</a><a href="sub/deep.mp4">no</a><a href="./">.</a>
<a href="a%20b.mp4#t=3">again</a><a href="notes.txt">notes</a><a>none</a><a href="gone.mp4">gone</a></body></html>"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(retrying, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(shard, "PAUSE_SECONDS", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    stores.store_of.cache_clear()
    web._login.cache_clear()


class Server(ThreadingHTTPServer):
    """Has one video, and pages that list it; says and does what a test wants."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.headers: list = []
        self.kinds: dict[str, str] = {}
        self.forbidden = ""
        self.asked: list[str] = []
        self.pages = {"/videos/": PAGE, "/videos/sub/": '<a href="/videos/">up</a><a href="c.mp4">c</a>'}
        self.token = {"ETag": '"e1"'}
        self.has_ranges = self.has_head = True
        self.cuts = 0  # answers that end after 300,000 bytes
        self.statuses: list[int] = []  # of the next answers

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/videos"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(f"{self.command} {self.path} {wanted or ''}".strip())
        server.headers.append(self.headers)
        page = server.pages.get(self.path)
        status = server.statuses.pop(0) if server.statuses else 200
        if self.command == "HEAD" and not server.has_head:
            status = 405
        if page is None and self.path not in ("/videos/a%20b.mp4", "/videos/sub/c.mp4"):
            status = 404
        status = 403 if self.path == server.forbidden else status
        content = page.encode() if page else CONTENT
        if status == 200 and wanted and server.has_ranges:
            start, _, end = wanted.removeprefix("bytes=").partition("-")
            status, content = 206, CONTENT[int(start) : int(end) + 1 if end else None]
        self.send_response(status)
        content = content if status < 300 else b""
        self.send_header("Content-Length", str(len(content)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(CONTENT)}")
        kind = "text/html; charset=utf-8" if page else "video/mp4"
        self.send_header("Content-Type", server.kinds.get(self.path, kind))
        for name, value in server.token.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            is_cut = server.cuts > 0 and len(content) > 300_000
            server.cuts -= is_cut
            self.wfile.write(content[:300_000] if is_cut else content)
            self.close_connection = is_cut or self.close_connection

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with running(Server()) as found:
        yield found


def bring(server, tmp_path) -> bytes:
    file = list_videos(server.root)["a b.mp4"]
    transfers.fetch(f"{server.root}/a b.mp4", file, tmp_path / "x.mp4", stop=threading.Event())
    return (tmp_path / "x.mp4").read_bytes()


def test_a_corpus_on_a_plain_server_is_decoded(tmp_path):
    corpus = Corpus(tmp_path)
    make_video(corpus.videos / "wave" / "é ü.mp4")
    make_video(corpus.videos / "50% off.mp4")
    with serving_folder(tmp_path) as address:
        corpus.videos = f"{address}/raw/"
        assert corpus.write(["é ü", "50% off", "lost"]) == {"kept": 0, "decoded": 2, "failed": 0, "missing": 1}
        assert corpus.rows()["é ü"]["path"] == f"{address}/raw/wave/é ü.mp4"
        assert corpus.write(["é ü", "50% off", "lost"])["kept"] == 2
        make_video(tmp_path / "raw/50% off.mp4", frames=9)
        assert corpus.write(["é ü", "50% off", "lost"]) == {"kept": 1, "decoded": 1, "failed": 0, "missing": 1}


def test_pages_are_read_as_servers_write_them(server):
    found = list_videos(server.root)
    assert found == {"a b.mp4": VideoFile(len(CONTENT), "e1"), "sub/c.mp4": VideoFile(len(CONTENT), "e1")}
    assert not [line for line in server.asked if "notes" in line], "what is no video is not asked for"
    assert server.asked.count("GET /videos/") == 1


@pytest.mark.parametrize(
    ("token", "other"),
    [
        ({"Last-Modified": "Fri, 27 Nov 2026"}, {"Last-Modified": "Sat, 28 Nov 2026"}),
        ({"ETag": "W/1"}, {"ETag": "W/2"}),
    ],
)
def test_another_tag_or_time_is_another_video(server, token, other):
    server.token = token
    before = listing_digest(server.root)
    assert listing_digest(server.root) == before
    server.token = other
    assert listing_digest(server.root) != before


def test_a_server_without_head_is_asked_for_a_byte(server):
    server.has_head = False
    assert list_videos(server.root)["a b.mp4"] == VideoFile(len(CONTENT), "e1")
    server.has_ranges = False
    assert list_videos(server.root)["a b.mp4"] == VideoFile(len(CONTENT), "e1")


def test_a_cut_connection_goes_on_where_it_was(server, tmp_path):
    server.cuts = 3
    assert bring(server, tmp_path) == CONTENT
    assert [line.split()[-1] for line in server.asked if line.startswith("GET /videos/a")] == [
        *("/videos/a%20b.mp4", "bytes=300000-", "bytes=600000-", "bytes=900000-")
    ]


def test_a_server_that_cannot_go_on_begins_anew(server, tmp_path):
    server.cuts, server.has_ranges = 3, False
    assert bring(server, tmp_path) == CONTENT


def test_errors_of_a_server_are_tried_again_or_told(server, tmp_path):
    server.statuses = [503, 429]
    assert bring(server, tmp_path) == CONTENT
    server.statuses = [401]
    with pytest.raises(InputError, match=r"cannot be listed \(HTTP 401\). Credentials come from"):
        list_videos(server.root)
    server.pages["/videos/"] = ""
    with pytest.raises(InputError, match=r"cannot be listed \(HTTP 404\). Correct `videos` of the data set"):
        list_videos(f"{server.root}/none")


def test_a_file_that_is_forbidden_is_a_row(tmp_path, server):
    corpus = Corpus(tmp_path)
    corpus.videos = server.root
    server.forbidden = "/videos/sub/c.mp4"
    assert corpus.write("c")["failed"] == 1
    row = corpus.rows()["c"]
    assert (row["reason"], row["detail"]) == ("permission denied", "HTTP 403; the next run tries again")


def test_a_folder_without_a_page_is_told(server):
    server.kinds = {"/videos/": "application/json"}
    with pytest.raises(InputError, match=r"cannot be listed \(no page that lists a folder, but application/json\)"):
        list_videos(server.root)


def test_a_login_comes_from_netrc_and_is_told_to_nobody_else(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login anna password SECRET\n")
    (tmp_path / ".netrc").chmod(0o600)
    list_videos(server.root)
    assert {headers["Authorization"] for headers in server.headers} == {"Basic YW5uYTpTRUNSRVQ="}


def test_nobody_listens(tmp_path):
    with pytest.raises(InputError, match=r"127.0.0.1:9/x: cannot be listed \(Connection refused, 5 times in a row\)"):
        list_videos("http://127.0.0.1:9/x")


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (FileNotFoundError("s3://b/x?SECRET"), "missing", "not found"),
        (PermissionError("SECRET"), "denied", "permission denied"),
        (ConnectionResetError(104, "SECRET"), "passing", "Connection reset by peer"),
        (http.client.IncompleteRead(b"SECRET"), "passing", "IncompleteRead"),
        (
            urllib.error.URLError(ssl.SSLCertVerificationError("SECRET")),
            "refused",
            "its certificate cannot be verified",
        ),
        (ValueError("SECRET"), "refused", "ValueError"),
        (RuntimeError("SECRET"), "passing", "RuntimeError"),
        (TimeoutError("SECRET"), "passing", "too slow"),
        (type("NoCredentialsError", (Exception,), {})("SECRET"), "denied", "no credentials were found"),
        (type("HttpError", (Exception,), {"code": 502})("SECRET"), "passing", "HTTP 502"),
        (type("AzureError", (Exception,), {"status_code": 404})("SECRET"), "missing", "HTTP 404"),
        (type("Cut", (Exception,), {"code": 400})("SECRET"), "passing", "Cut"),
    ],
)
def test_what_an_error_means_is_told_without_its_words(error, kind, text):
    found = meaning(error)
    assert (found.kind, str(found)) == (kind, text)
