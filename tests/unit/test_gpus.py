"""GPUs of a machine: each for one job at a time."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from kinema import gpus
from kinema.gpus import sole_gpus
from kinema.input_error import InputError

JOB = """
import os, sys, time
from pathlib import Path
from kinema.gpus import sole_gpus
folder, name = Path(sys.argv[1]), sys.argv[2]
with sole_gpus(1):
    (folder / f"{name}-has-{os.environ['CUDA_VISIBLE_DEVICES']}").touch()
    for _ in range(2400):  # two minutes, should the test fail
        if (folder / f"{name}-ends").exists():
            break
        time.sleep(0.05)
"""


@pytest.fixture(autouse=True)
def two(tmp_path, monkeypatch):
    """A machine of two GPUs, with locks of its own."""
    monkeypatch.setattr(gpus.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    for name in ("LOCAL_RANK", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(gpus, "POLL_SECONDS", 0.05)


def visible():
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def started(folder, name) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "CUDA_VISIBLE_DEVICES": "0,1"}
    return subprocess.Popen([sys.executable, "-c", JOB, str(folder), name], env=environment)


def wait_for(path, seconds=20):
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} did not come"
        time.sleep(0.05)


def test_two_jobs_do_not_take_the_same_gpu_and_a_third_waits_until_one_has_ended(tmp_path):
    with sole_gpus(1):
        assert visible() == "0"
        second = started(tmp_path, "second")
        wait_for(tmp_path / "second-has-1")
        third = started(tmp_path, "third")
        time.sleep(0.5)
        assert not list(tmp_path.glob("third-has-*"))
        second.kill()  # however it ends
        second.wait()
        wait_for(tmp_path / "third-has-1")
        (tmp_path / "third-ends").touch()
        assert third.wait(20) == 0
    assert visible() == "0,1"


def test_a_job_gets_all_of_its_gpus_or_waits(tmp_path, monkeypatch, caplog):
    with sole_gpus(1):
        monkeypatch.setattr(gpus, "time", SimpleNamespace(sleep=lambda seconds: 1 / 0))
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")  # as another job sees it
        with pytest.raises(ZeroDivisionError), sole_gpus(2):
            pass
        assert "waiting for 2 free GPUs; of 2 here 1 are free" in caplog.text
        with sole_gpus(1):
            assert visible() == "1", "which the other let go of"
    with sole_gpus(2):
        assert visible() == "0,1"


def test_a_job_of_slurm_counts_its_gpus_anew(monkeypatch):
    with sole_gpus(1):
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
        with sole_gpus(1):
            assert visible() == "0", "another GPU of that name"


@pytest.mark.parametrize(("number", "expected"), [(0, ""), (None, "0,1")])
def test_a_job_without_gpus_sees_none_and_one_that_says_nothing_all(number, expected):
    with sole_gpus(number):
        assert visible() == expected
    assert visible() == "0,1"


def test_more_than_there_are_is_an_error_and_a_machine_without_any_is_not(monkeypatch):
    with pytest.raises(InputError, match="asks for gpu=3, but this machine shows 2; ask for fewer"), sole_gpus(3):
        pass
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with sole_gpus(3):
        assert visible() == ""


def test_processes_that_a_job_starts_share_its_gpus(monkeypatch):
    with sole_gpus(2):
        monkeypatch.setenv("LOCAL_RANK", "1")
        with sole_gpus(2):
            assert visible() == "0,1"
