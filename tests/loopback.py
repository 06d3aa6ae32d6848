"""A server on this machine that plays the Hugging Face hub, and any other address of a file."""

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DEAD = "http://127.0.0.1:9"  # the discard port: nobody listens


class Server(ThreadingHTTPServer):
    """Serves `files`, by their path; those of a repository by `<owner>/<name>/<file>`, whatever the revision."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []  # method and path of each request
        self.cut = False  # end answers in the middle

    @property
    def address(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        parts = self.path.strip("/").split("/")
        is_hub = len(parts) > 3 and parts[2] == "resolve"
        content = self.server.files.get("/".join([*parts[:2], *parts[4:]] if is_hub else parts))
        if self.path == "/":
            content = b"a hub"
        if content is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            content = b""
        else:
            self.send_response(200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content[: len(content) // 2] if self.server.cut else content)
            self.close_connection = self.server.cut or self.close_connection

    def log_message(self, *arguments: object) -> None:
        """Nothing to the terminal."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs as long as the block."""
    with running(Server()) as server:
        yield server


@contextmanager
def running(server: Any) -> Iterator[Any]:
    """A server in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def sending(head: bytes, chunks: Callable[[], Iterator[bytes]]) -> Iterator[str]:
    """The address of a server that sends these to whoever connects, as fast as they are read."""

    ended = threading.Event()

    def serve(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection, suppress(OSError):
                    connection.sendall(head)
                    for chunk in chunks():
                        if ended.is_set():  # a stream without an end would go on beside the tests that follow
                            return
                        connection.sendall(chunk)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            ended.set()
