"""The benchmark of a whole corpus, on a few videos: what it counts, and that it goes on where it was."""

import json
import subprocess
import sys

import pytest
from project import REPOSITORY

SCRIPT = REPOSITORY / "benchmarks/scale_workflow.py"


@pytest.mark.slow
@pytest.mark.workflow
def test_a_corpus_is_made_once_and_new_videos_run_their_shards(tmp_path):
    command = [sys.executable, SCRIPT, "--videos", "40", "--shards", "2", "--new", "0", "1", "--folder", tmp_path]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in (tmp_path / "40/measured.jsonl").read_text().splitlines()]
    first = {"annotations": 1, "plan": 1, "shard": 2, "dataset_report": 1, "index": 1}
    assert [step["jobs"] for step in steps] == [{}, first, {}, {**first, "shard": 1}]
    assert all(step["is_whole"] and step["processor"] > 0 and step["peak"] > 0 for step in steps)
    again = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "40/measured.jsonl").read_text().count("\n") == len(steps), "nothing was measured again"
    rows = [[line for line in text.splitlines() if line.startswith("| ")] for text in (done.stdout, again.stdout)]
    assert rows[0] == rows[1]
