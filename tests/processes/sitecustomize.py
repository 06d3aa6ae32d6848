"""Found by every Python process that tests start, as tests/conftest.py puts this folder on their path.

They look for cyclic garbage seldom: a job imports some thousand modules, and Python would look through what they hold
again and again, which takes up to a sixth of the imports' time and finds next to nothing.

Where KINEMA_FORKS names a process that jobs are forks of, a job of Snakemake has one run its script (see `forked`).

Where the environment variable KINEMA_TRACE names a folder, each job of Snakemake also writes a file there, of lines
`module function`: the functions of the project that it called.
"""

import atexit
import gc
import os
import sys
import threading
from importlib.machinery import PathFinder
from inspect import CO_OPTIMIZED
from pathlib import Path

gc.set_threshold(100_000, 50, 100)
is_job = ".snakemake/scripts/" in " ".join(sys.orig_argv)
if is_job and "KINEMA_FORKS" in os.environ:
    from forked import ask_for_this_script

    ask_for_this_script()
called = set()
package = Path.cwd() / "kinema"


def note(frame, event, argument):
    """Profile function of this process's threads."""
    if event == "call":
        called.add(frame.f_code)


class Unwatched:
    """Finds modules of others. Importing one calls no function of ours, and takes twice as long where it is watched."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        spec = None if name.split(".")[0] == package.name else PathFinder.find_spec(name, path, target)
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


def write():
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
        Path(os.environ["KINEMA_TRACE"], f"{rule}-{os.getpid()}").write_text("".join(sorted(lines)))


if is_job and "KINEMA_TRACE" in os.environ:
    sys.meta_path.insert(0, Unwatched)
    atexit.register(write)
    threading.setprofile(note)
    sys.setprofile(note)
