"""A fork that tests start instead of a new process sees what that would see, and ends as it would."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import forked
import pytest
import traced

pytestmark = pytest.mark.skipif(not forked.IS_POSSIBLE, reason="forks of this kind need Linux")

PROGRAM = """
import json, os, sys, threading
import colors
about = {"argv": sys.argv, "orig_argv": sys.orig_argv, "path": sys.path, "folder": os.getcwd(), "name": __name__}
about |= {"environment": dict(os.environ), "threads": threading.active_count(), "colors": colors.__file__}
about["ours"] = sorted(name for name in sys.modules if name.split(".")[0] in ("kinema", "forked", "torch"))
print(json.dumps(about))
print("to stderr", file=sys.stderr)
sys.exit(3)
"""
SIGNALLED = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
OPEN_ENDED = "import os, time; open('begun', 'w').write(str(os.getpid())); time.sleep(100)"


@pytest.fixture(scope="module")
def forks():
    started = forked.Forks(["json", "yaml"])
    yield started
    started.server.stdin.close()
    assert started.server.wait(60) == 0, "it ends with the process that it works for"


@pytest.fixture
def folder(tmp_path):
    """A folder with programs and a module of its own."""
    for name, text in (("colors", ""), ("program", PROGRAM), ("signalled", SIGNALLED), ("open_ended", OPEN_ENDED)):
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def test_a_fork_sees_what_a_new_process_sees(forks, folder):
    env = {**os.environ, "COLOR": "red"}
    command = [sys.executable, "-m", "program", "--two", "words here"]
    expected = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    found = forks.run("program", *command[3:], cwd=folder, env=env, timeout=60)
    assert (found.returncode, found.stderr) == (expected.returncode, expected.stderr) == (3, "to stderr\n")
    assert json.loads(found.stdout) == json.loads(expected.stdout)


def test_a_script_of_a_job_runs_in_a_fork(forks, folder):
    script = folder / ".snakemake/scripts/program.py"
    script.parent.mkdir(parents=True)
    script.write_text(PROGRAM)
    (script.parent / "colors.py").touch()
    told = {}
    for name, env in (("new", {}), ("fork", {forked.VARIABLE: forks.address})):
        done = subprocess.run([sys.executable, script], cwd=folder, env={**os.environ, **env}, capture_output=True)
        assert (done.returncode, done.stderr) == (3, b"to stderr\n")
        told[name] = json.loads(done.stdout)
    assert told["fork"]["environment"].pop(forked.VARIABLE)
    assert told["fork"] == told["new"]


def test_what_a_job_calls_is_noted_in_a_fork_as_in_a_new_process(forks, folder):
    script = folder / ".snakemake/scripts/abc.shard.py"
    script.parent.mkdir(parents=True)
    script.write_text("from kinema.colors import mixed\nprint(mixed())\n")
    (folder / "kinema").mkdir()
    (folder / "kinema/__init__.py").touch()
    (folder / "kinema/colors.py").write_text("def mixed():\n    return 'green'\n\n\ndef unused():\n    pass\n")
    for name, env in (("new", {}), ("fork", {forked.VARIABLE: forks.address})):
        trace = folder / name
        trace.mkdir()
        env |= {traced.VARIABLE: str(trace), "PYTHONPATH": f"{folder}{os.pathsep}{os.environ['PYTHONPATH']}"}
        done = subprocess.run([sys.executable, script], cwd=folder, env={**os.environ, **env}, capture_output=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"green\n", b"")
        (noted,) = trace.iterdir()
        assert noted.name.startswith("shard-")
        assert noted.read_text() == "kinema.colors mixed\n"


def test_a_fork_that_a_signal_ends_is_told_so(forks, folder):
    assert forks.run("signalled", cwd=folder, env=os.environ, timeout=60).returncode == -15


@pytest.mark.slow
def test_a_fork_ends_with_the_one_who_asked(forks, folder):
    with pytest.raises(TimeoutError):
        forks.run("open_ended", cwd=folder, env=os.environ, timeout=5)
    pid = int((folder / "begun").read_text())
    for _ in range(600):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.1)
    raise AssertionError("it runs on")
