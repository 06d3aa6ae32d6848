"""A small server of Kubernetes' API that runs the command of each pod on this machine: what an executor meets.

It knows jobs of batch/v1 with one pod each, and takes secrets. Of a pod it carries out nothing but the command: no
image, no volume, no limit.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from loopback import running

JOBS, PODS = r"/apis/batch/v1/namespaces/[\w-]+/jobs", r"/api/v1/namespaces/[\w-]+/pods"


def run_command(words: list[str]) -> int:
    """Run the command of a pod here, with the Python of these tests; its exit status."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(words, env={**os.environ, "PATH": path}, timeout=300).returncode


def refuse(words: list[str]) -> int:
    """In the place of `run_command`: a pod that fails at once."""
    return 1


class Cluster(ThreadingHTTPServer):
    """`jobs` are the bodies of all that were sent, in this order; each ends before its sender gets the answer."""

    daemon_threads = True

    def __init__(self, run: Callable[[list[str]], int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.run, self.jobs, self.statuses = run, dict[str, Any](), dict[str, int]()

    @property
    def pods(self) -> list[dict[str, Any]]:
        """The specifications of all pods."""
        return [job["spec"]["template"]["spec"] for job in self.jobs.values()]

    def config_file(self, folder: Path) -> Path:
        """A kubeconfig that leads here."""
        named = {"name": "test"}
        config = {
            "clusters": [{**named, "cluster": {"server": f"http://127.0.0.1:{self.server_port}"}}],
            "users": [{**named, "user": {}}],
            "contexts": [{**named, "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
        path = folder / "kubeconfig.json"
        path.write_text(json.dumps(config))
        return path


class _Handler(BaseHTTPRequestHandler):
    server: Cluster

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if re.fullmatch(JOBS, self.path):
            (container,) = body["spec"]["template"]["spec"]["containers"]
            name = body["metadata"]["name"]
            self.server.jobs[name] = body
            self.server.statuses[name] = self.server.run([*container["command"], *container["args"]])
        self._answer(body, status=201)

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if found := re.fullmatch(rf"{JOBS}/([\w-]+)/status", address.path):
            has_failed = self.server.statuses[found[1]] != 0
            self._answer({"metadata": {"name": found[1]}, "status": {"failed" if has_failed else "succeeded": 1}})
        elif re.fullmatch(PODS, address.path):
            (selector,) = parse_qs(address.query)["labelSelector"]
            self._answer({"items": [self._pod(selector.removeprefix("job-name="))]})
        elif re.fullmatch(rf"{PODS}/[\w-]+/log", address.path):
            self._answer("what the pod printed")
        else:
            self._answer({"message": f"{address.path}: not known here"}, status=404)

    def do_DELETE(self) -> None:
        self._answer({"status": "Success"})

    def _pod(self, job: str) -> dict[str, Any]:
        state = {"terminated": {"exitCode": self.server.statuses[job]}}
        named = {"name": "snakemake", "image": "an image", "imageID": "an id", "ready": False, "restartCount": 0}
        return {"metadata": {"name": f"{job}-pod"}, "status": {"containerStatuses": [{**named, "state": state}]}}

    def _answer(self, body: Any, *, status: int = 200) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Nothing to the terminal."""


@contextmanager
def cluster(run: Callable[[list[str]], int] = run_command) -> Iterator[Cluster]:
    """A cluster that is there as long as the block."""
    with running(Cluster(run)) as server:
        yield server
