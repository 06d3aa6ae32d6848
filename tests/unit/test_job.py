"""Job files, log files and progress."""

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from kinema import job
from kinema.input_error import InputError
from kinema.job import job_from_argv, job_log, progress, share_library, wait_asleep


def test_a_job_by_hand_looks_like_snakemakes(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text(yaml.safe_dump({"input": {"a": "x"}, "threads": 3}))
    job = job_from_argv([str(path)])
    assert (job.input["a"], job.threads, job.log, job.params) == ("x", 3, [], {})
    with pytest.raises(SystemExit, match="usage"):
        job_from_argv([])


@pytest.mark.parametrize("inherited", [None, "other"])
def test_processes_import_the_library_of_the_checkout(tmp_path, monkeypatch, inherited):
    """Before one that is installed, and before one on the user's own path."""
    for name in ("checkout", "other"):
        (tmp_path / name / "kinema").mkdir(parents=True)
        (tmp_path / name / "kinema/__init__.py").write_text(f"print('{name}')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / inherited) if inherited else "")
    share_library(tmp_path / "checkout")
    command = [sys.executable, "-c", "import kinema"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    if inherited:
        assert os.environ["PYTHONPATH"].endswith(os.pathsep + str(tmp_path / inherited))
    assert found.stdout.split() == ["checkout"]


@pytest.mark.parametrize(
    ("own", "count"), [({}, "1000"), ({"GOMP_SPINCOUNT": "5"}, "5"), ({"OMP_WAIT_POLICY": "active"}, None)]
)
def test_threads_of_jobs_wait_asleep_unless_the_user_says_otherwise(monkeypatch, own, count):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    wait_asleep()
    assert os.environ.get("GOMP_SPINCOUNT") == count


def test_a_line_that_is_to_be_seen_is_in_the_log_and_on_the_terminal(tmp_path, capsys):
    path = tmp_path / "a.log"
    with job_log([str(path)]):
        logging.getLogger("kinema.test").warning("%d leaks", 3, extra=job.ON_SCREEN)
        logging.getLogger("kinema.test").warning("odd")
    assert "WARNING kinema.test: 3 leaks" in path.read_text()
    assert "WARNING kinema.test: odd" in path.read_text()
    assert capsys.readouterr().err == "kinema: 3 leaks\n"
    with job_log([]):
        logging.getLogger("kinema.test").warning("again", extra=job.ON_SCREEN)
    assert capsys.readouterr().err.count("again") == 1


def test_records_and_the_traceback_go_to_the_log(tmp_path):
    path = tmp_path / "logs/a.log"

    def work():
        with job_log([str(path)]):
            logging.getLogger("kinema.test").info("at work")
            raise ValueError("what went wrong")

    handlers = len(logging.getLogger().handlers)
    with pytest.raises(ValueError, match="went wrong"):
        work()
    text = path.read_text()
    assert "at work" in text
    assert "ValueError: what went wrong" in text
    assert "Traceback" in text
    assert len(logging.getLogger().handlers) == handlers


def test_what_is_wrong_with_the_input_is_told_without_a_traceback(tmp_path):
    (tmp_path / "list.csv").write_bytes("video,label,subset\n".encode("utf-16"))
    job = {
        "input": {"lists": [str(tmp_path / "list.csv")]},
        "output": {"annotation": str(tmp_path / "annotation.json")},
        "params": {"settings": '{"path": ["list.csv"]}'},
        "log": [str(tmp_path / "annotations.log")],
    }
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(job))
    script = Path(__file__).parents[2] / "workflow/scripts/annotations.py"
    done = subprocess.run([sys.executable, str(script), str(tmp_path / "job.yaml")], capture_output=True, text=True)
    message = f"InputError: {tmp_path}/list.csv: this is UTF-16 text; save it as UTF-8 text\n"
    assert (done.returncode, done.stderr) == (1, message)
    log = (tmp_path / "annotations.log").read_text()
    assert log.endswith(message)
    assert "Traceback" not in log


def test_an_error_is_told_without_its_traceback_where_that_is_in_a_log(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    path = tmp_path / "a.log"
    with pytest.raises(RuntimeError) as caught, job_log([str(path)]):
        raise RuntimeError("what broke")
    sys.excepthook(RuntimeError, caught.value, None)
    assert capsys.readouterr().err == f"RuntimeError: what broke\nThe traceback is in {path}.\n"
    assert "Traceback" in path.read_text()


def test_an_error_without_a_log_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    before = sys.excepthook
    with pytest.raises(RuntimeError), job_log([]):
        raise RuntimeError("what broke")
    assert sys.excepthook is before


def test_other_errors_keep_their_traceback_after_one_of_the_input(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(InputError) as caught, job_log([str(tmp_path / "a.log")]):
        raise InputError("what was found")
    sys.excepthook(InputError, caught.value, None)
    assert capsys.readouterr().err == "InputError: what was found\n"
    sys.excepthook(KeyError, KeyError("x"), None)
    assert capsys.readouterr().err == "KeyError: 'x'\n"


def test_errors_of_another_process_join_the_log_of_the_first(tmp_path, monkeypatch):
    path = tmp_path / "job.log"
    with job_log([str(path)]):
        logging.getLogger("kinema.test").info("first at work")
    monkeypatch.setenv("LOCAL_RANK", "1")
    with job_log([str(path)]):  # not inside the first block, which would write the same line
        logging.getLogger("kinema.test").warning("second at work")
        logging.getLogger("kinema.test").error("what went wrong in the second")
    lines = [line.split(" ", 2)[2] for line in path.read_text().splitlines()]
    assert lines == ["INFO kinema.test: first at work", "ERROR kinema.test: what went wrong in the second"]


def test_progress_passes_every_item_and_logs_lines_where_no_one_watches(caplog):
    with caplog.at_level(logging.INFO):
        assert list(progress(range(5), description="decoding", total=5)) == [0, 1, 2, 3, 4]
    assert "decoding: 5/5" in caplog.text


def test_progress_draws_a_bar_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(progress(iter("abc"), description="decoding", total=3)) == ["a", "b", "c"]
    assert "decoding" in capsys.readouterr().err


def test_one_job_draws_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first = job._the_screen()
    assert first is not None
    assert job._the_screen() is None
    first.close()
    with job._the_screen():
        pass


@pytest.mark.parametrize("plant", ["symlink_to", "hardlink_to", "fifo", "mkdir"])
def test_nothing_planted_in_the_place_of_the_screens_lock_is_followed(tmp_path, monkeypatch, caplog, plant):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    victim, place = tmp_path / "victim", tmp_path / f"kinema-screen-{os.getuid()}-{os.getppid()}"
    victim.write_text("precious")
    if plant == "fifo":
        os.mkfifo(place)
    else:
        getattr(place, plant)(*([victim] if plant.endswith("to") else []))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with caplog.at_level(logging.INFO):
        assert list(progress(range(3), description="decoding")) == [0, 1, 2]
    assert victim.read_text() == "precious"
    assert "decoding: 3 in" in caplog.text, "lines in place of a bar"
