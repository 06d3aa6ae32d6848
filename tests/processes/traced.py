"""Which functions of the project a job of Snakemake calls, in a file of the folder that KINEMA_TRACE names.

Its lines are `module function`.
"""

import atexit
import os
import sys
import threading
from importlib.machinery import PathFinder
from inspect import CO_OPTIMIZED
from pathlib import Path

VARIABLE = "KINEMA_TRACE"


class Unwatched:
    """Finds modules of others. Importing one calls no function of ours, and takes twice as long where it is watched."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        spec = None if name.split(".")[0] == "kinema" else PathFinder.find_spec(name, path, target)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader.exec_module = without_profile(spec.loader.exec_module)
        return spec


def without_profile(run):
    def unwatched(module):
        before = sys.getprofile()
        sys.setprofile(None)
        try:
            run(module)
        finally:
            sys.setprofile(before)

    return unwatched


def trace() -> None:
    """Watch this process from now on, and write the file when it ends."""
    called, package = set(), Path.cwd() / "kinema"

    def note(frame, event, argument):
        if event == "call":
            called.add(frame.f_code)

    sys.meta_path.insert(0, Unwatched)
    atexit.register(write, called, package)
    threading.setprofile(note)
    sys.setprofile(note)


def write(called, package):
    """One line a function; bodies of modules and classes are none, nor are templates, whose files are params."""
    sys.setprofile(None)
    lines = {
        f"{'.'.join(Path(code.co_filename).relative_to(package.parent).with_suffix('').parts)} {code.co_qualname}\n"
        for code in set(called)
        if code.co_flags & CO_OPTIMIZED
        and code.co_filename.startswith(f"{package}/")
        and code.co_filename.endswith(".py")
    }
    script = sys.argv[0].rpartition(".snakemake/scripts/")[2]
    if script != sys.argv[0]:
        rule = script.split(".")[-2]
        Path(os.environ[VARIABLE], f"{rule}-{os.getpid()}").write_text("".join(sorted(lines)))
