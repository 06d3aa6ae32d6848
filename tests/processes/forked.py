"""Python programs that begin as forks of a process which has imported the libraries that they need.

A Snakemake works for less than a second and imports for two, its jobs import PyTorch anew each time, and tests start
some hundred of both. What a fork runs is what `python -m MODULE` or `python SCRIPT` would run: the same folder,
arguments, environment, search path and streams, a process of its own, and the project's code imported from its folder.
Only modules of others are there already. Where a test is about how processes begin or end, or about an environment,
they begin as usual, and so they do where there is no Linux.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import traced

WORKFLOW = ("snakemake.cli", "smart_open", "pandas", "pyarrow.parquet", "pydantic", "yaml")
# not openvino, which starts a thread when it is imported: a fork would lack it
JOBS = (
    *("snakemake.iocontainers", "pandas", "pyarrow.parquet", "pydantic", "lightning", "timm", "torchvision"),
    *("onnxscript", "torch.onnx._internal.exporter._core"),
)
IS_POSSIBLE = sys.platform == "linux"
VARIABLE = "KINEMA_FORKS"  # address of the process that jobs of Snakemake are forks of
MOST_BYTES = 200_000  # of a request


class Forks:
    """A process that imports these modules, and programs that start as forks of it. It ends with this process."""

    def __init__(self, modules: Sequence[str]):
        self.address = f"kinema-{os.getpid()}-{id(self)}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(f"\0{self.address}")
            listening.listen()
            descriptor = listening.fileno()
            command = [sys.executable, __file__, str(descriptor), *modules]
            self.server = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[descriptor])

    def run(
        self, module: str, *arguments: str, cwd: Path, env: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """What `subprocess.run([python, "-m", module, *arguments], ...)` gives, with its output as text."""
        request = {"module": module, "arguments": arguments, "folder": str(cwd), "environment": dict(env)}
        with Path(os.devnull).open() as none, tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            code = ask(self.address, request, (none.fileno(), out.fileno(), err.fileno()), timeout)
            for file in (out, err):
                file.seek(0)
            return subprocess.CompletedProcess([module, *arguments], code, out.read(), err.read())


def ask(address: str, request: Mapping, streams: Sequence[int], timeout: float | None = None) -> int:
    """Have a program run with these standard streams; its exit code, negative where a signal ended it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(timeout)
        connection.connect(f"\0{address}")
        socket.send_fds(connection, [json.dumps(request).encode()], streams)
        return int(connection.recv(100) or 1)


def ask_for_this_script() -> None:
    """Have the script that this process was started for run in a fork, and end as it does."""
    script = sys.orig_argv[1]
    request = {"script": script, "arguments": [], "folder": str(Path.cwd()), "environment": dict(os.environ)}
    code = ask(os.environ[VARIABLE], request, (0, 1, 2))
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def serve(listening: socket.socket) -> dict:
    """Fork for each request. Returns it in the fork; the server itself ends when its stdin is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, which is for the tests
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch
    while True:
        if 0 in select.select([0, listening], [], [])[0]:
            sys.exit()
        connection, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return watch(connection)
        connection.close()


def watch(connection: socket.socket) -> dict:
    """Fork once more, tell how that ended, and end it where the one who asked is gone. Returns in the second fork."""
    text, streams, _, _ = socket.recv_fds(connection, MOST_BYTES, 3)
    program = os.fork()
    if program == 0:
        connection.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return json.loads(text)
    for stream in streams:
        os.close(stream)
    if connection in select.select([os.pidfd_open(program), connection], [], [])[0]:
        os.kill(program, signal.SIGTERM)
    _, status = os.waitpid(program, 0)
    with suppress(OSError):
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def become(request: Mapping, libraries: Sequence[str]) -> None:
    """Run what was asked for, as its own process would; `libraries` is the end of the search path."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    if torch := sys.modules.get("torch"):  # which has read this variable already
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    own = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    if script := request.get("script"):
        sys.path[:] = [str(Path(script).parent), *own, *libraries]
        sys.argv[:] = [script, *request["arguments"]]
        sys.orig_argv[:] = [sys.executable, *sys.argv]
        if traced.VARIABLE in os.environ:
            traced.trace()
        runpy.run_path(script, run_name="__main__")
    else:
        sys.path[:] = [str(Path.cwd()), *own, *libraries]
        sys.argv[:] = ["-m", *request["arguments"]]
        sys.orig_argv[:] = [sys.executable, "-m", request["module"], *request["arguments"]]
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


def main(descriptor: str, *modules: str) -> None:
    own = {str(Path(__file__).parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    libraries = [entry for entry in sys.path if entry not in own]
    sys.path[:] = libraries  # so that nothing of a project is imported
    with socket.socket(fileno=int(descriptor)) as listening:
        for module in modules:
            importlib.import_module(module)
        gc.collect()
        gc.freeze()
        request = serve(listening)
    become(request, libraries)


if __name__ == "__main__":
    main(*sys.argv[1:])
