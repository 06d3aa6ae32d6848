"""Found by every Python process that has this folder on its path: notes which functions of the project it calls.

A process writes `module function` lines to a file in the folder that the environment variable KINEMA_TRACE names.
"""

import atexit
import os
import sys
import threading
from inspect import CO_OPTIMIZED
from pathlib import Path

called = set()
package = Path.cwd() / "kinema"


def note(frame, event, argument):
    """Profile function of this process's threads."""
    if event == "call":
        called.add(frame.f_code)


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


if "KINEMA_TRACE" in os.environ and ".snakemake/scripts/" in " ".join(sys.orig_argv):
    atexit.register(write)
    threading.setprofile(note)
    sys.setprofile(note)
