"""Servers on this machine that hold videos: one of S3 behind a proxy that can fail, and one of HTTP."""

import http.client
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
from loopback import running
from moto.server import ThreadedMotoServer

KEY, SECRET = "AKIAKINEMATEST", "wJalrXUtnFEMIsecretK7MDENGbPxRfi"
BUCKET = "films"


class Proxy(ThreadingHTTPServer):
    """Hands requests on to a server, but for those for which `faults` has something, by the end of their path.

    A fault is a status of HTTP, `cut`: half of the body and then the end, or a number of seconds that half of it waits.
    """

    daemon_threads = True

    def __init__(self, port: int):
        super().__init__(("127.0.0.1", 0), _Forward)
        self.behind = port
        self.faults: dict[str, deque[Any]] = defaultdict(deque)
        self.asked: list[tuple[str, str]] = []  # method and path of every request

    def fail(self, name: str, *faults: Any) -> None:
        """What becomes of the next requests for the bytes of an object."""
        self.faults[name].extend(faults)

    def gets(self, name: str) -> int:
        """How often the bytes of an object were asked for."""
        return sum(method == "GET" and path.endswith(name) for method, path in self.asked)


class _Forward(BaseHTTPRequestHandler):
    server: Proxy

    def do_HEAD(self) -> None:
        self._forward()

    def do_GET(self) -> None:
        self._forward()

    def _forward(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append((self.command, path))
        name = next((name for name, left in self.server.faults.items() if left and path.endswith(name)), None)
        fault = self.server.faults[name].popleft() if name and self.command == "GET" else None
        if isinstance(fault, int):
            self._refuse(fault)
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.server.behind)
        connection.request(self.command, self.path, headers=dict(self.headers))
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for header, value in answer.getheaders():
            if header.lower() not in ("connection", "transfer-encoding", "date", "server", "content-length"):
                self.send_header(header, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        if fault == "cut":
            self.wfile.flush()
            self.close_connection = True
            return
        if isinstance(fault, float):
            time.sleep(fault)
        self.wfile.write(body[len(body) // 2 :])

    def _refuse(self, status: int) -> None:
        code = {503: "SlowDown", 403: "InvalidAccessKeyId"}.get(status, "Odd")
        body = f"<Error><Code>{code}</Code><Message>about {KEY} {SECRET}</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing to the terminal."""


class Bucket:
    """A bucket with videos, and the proxy through which it is read."""

    def __init__(self, moto_port: int, proxy: Proxy):
        self.proxy = proxy
        self.client = boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{moto_port}", aws_access_key_id=KEY, aws_secret_access_key=SECRET
        )
        self.client.create_bucket(Bucket=BUCKET)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to read it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.proxy.server_port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }

    def put(self, key: str, content: bytes) -> None:
        """Add an object, or replace it."""
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def put_folder(self, folder: Path, prefix: str) -> None:
        """Add the files of a folder below a prefix."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder)}", path.read_bytes())

    def delete(self, key: str) -> None:
        """Remove an object."""
        self.client.delete_object(Bucket=BUCKET, Key=key)


@contextmanager
def serving_s3() -> Iterator[Bucket]:
    """An empty bucket as long as the block runs."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    _, port = moto.get_host_and_port()
    try:
        with running(Proxy(port)) as proxy:
            bucket = Bucket(port, proxy)
            yield bucket
            bucket.client.close()
    finally:
        moto.stop()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Nothing to the terminal."""


@contextmanager
def serving_folder(folder: Path) -> Iterator[str]:
    """The address of a folder that a server of HTTP lists, as long as the block runs."""
    with running(ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))) as server:
        yield f"http://127.0.0.1:{server.server_port}"
