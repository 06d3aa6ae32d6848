"""Batches from worker processes: the right clips, in memory that is theirs as long as someone uses it."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest
import torch
from corpus import CLIP

from kinema.clips.dataset import ClipDataset
from kinema.clips.loader import ClipLoader
from kinema.clips.shared import SharedArray
from kinema.clips.table import ClipIndex
from kinema.experiment.data_sections import Augmentation


@pytest.fixture
def clips(prepared) -> ClipDataset:
    index = ClipIndex.load(prepared / "clips.parquet", subset="validation", clip=CLIP)
    return ClipDataset(index, clip=CLIP, augmentation=Augmentation())


def num_slots(loader: ClipLoader) -> int:
    return len(loader._memory)


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_that_are_kept_stay_as_they_are(clips, workers):
    expected = list(ClipLoader(clips, batch_size=2))
    loader = ClipLoader(clips, batch_size=2, num_workers=workers)
    for _ in range(3):
        # one keeps the batches, one only views of their clips
        kept, views = [], []
        for number, batch in enumerate(loader):
            (kept if number % 2 else views).append(batch if number % 2 else batch["clip"][:, 1:])
        for batch, reference in zip(kept, expected[1::2], strict=True):
            assert torch.equal(batch["clip"], reference["clip"])
            assert torch.equal(batch["row"], reference["row"])
            assert torch.equal(batch["label"], reference["label"])
        for view, reference in zip(views, expected[::2], strict=True):
            assert torch.equal(view, reference["clip"][:, 1:])


def test_memory_that_is_let_go_is_used_again(clips):
    loader = ClipLoader(clips, batch_size=2, num_workers=1)
    places = set()
    for _ in range(4):
        for batch in loader:
            places.add(batch["clip"].data_ptr())
    assert num_slots(loader) == len(places) <= 4
    kept = list(loader)
    assert num_slots(loader) >= len(kept)


@pytest.mark.parametrize("ending", ["killed", "ended"])
def test_a_process_that_is_gone_before_its_memory_is_fetched_is_named(ending):
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=send_memory, args=(theirs,))
    process.start()
    assert ours.poll(60)
    sent = ours.recv_bytes()
    process.kill() if ending == "killed" else ours.send_bytes(b"end")
    process.join()
    with pytest.raises(RuntimeError, match="DataLoader worker ended before the memory") as caught:
        pickle.loads(sent)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError if ending == "killed" else FileNotFoundError)


def send_memory(connection):
    memory = SharedArray((4,))
    connection.send_bytes(bytes(ForkingPickler.dumps(memory)))
    connection.recv_bytes()  # it lives until it is told to end


def test_epochs_that_are_left_early_lose_no_memory(clips):
    loader = ClipLoader(clips, batch_size=2, num_workers=1)
    for _ in range(8):
        next(iter(loader))
    assert num_slots(loader) <= 5
    assert [len(batch["label"]) for batch in loader] == [2] * (len(clips) // 2)


def test_a_last_batch_may_be_smaller(clips):
    batches = list(ClipLoader(clips, batch_size=4, num_workers=2))
    assert [len(batch["clip"]) for batch in batches] == [len(batch["label"]) for batch in batches]
    assert sum(len(batch["clip"]) for batch in batches) == len(clips)


def test_an_error_in_a_worker_is_the_callers(clips, monkeypatch):
    monkeypatch.setattr(clips, "read", lambda item, out: 1 / 0)
    loader = ClipLoader(clips, num_workers=1)
    with pytest.raises(ZeroDivisionError):
        list(loader)
    loader._iterator._shutdown_workers()  # the frames of the exception hold the loader, and so its worker


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_of_a_job_leaves_the_workers(clips, number):
    loader = ClipLoader(clips, batch_size=2, num_workers=2)
    batches = iter(loader)
    next(batches)
    for worker in loader._iterator._workers:
        os.kill(worker.pid, number)
    assert sum(len(batch["label"]) for batch in batches) == len(clips) - 2


def test_workers_end_with_their_loader(clips, monkeypatch):
    monkeypatch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 60)  # how long PyTorch waits in vain
    loader = ClipLoader(clips, batch_size=2, num_workers=2)
    next(iter(loader))
    workers = loader._iterator._workers
    started_at = time.monotonic()
    del loader
    assert not any(worker.is_alive() for worker in workers)
    assert time.monotonic() - started_at < 50, "they were told to, and not waited for in vain"


@pytest.mark.slow
@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "1 / 0"])
def test_workers_end_with_their_parent(prepared, end):
    script = f"""
import os, signal
from pathlib import Path
from test_loader import CLIP, Augmentation, ClipDataset, ClipIndex, ClipLoader
index = ClipIndex.load(Path({str(prepared / "clips.parquet")!r}), subset="validation", clip=CLIP)
loader = ClipLoader(ClipDataset(index, clip=CLIP, augmentation=Augmentation()), num_workers=2)
batches = iter(loader)
next(batches)
print(*(worker.pid for worker in loader._iterator._workers), flush=True)
{end}
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=100, cwd=Path(__file__).parent
    )
    workers = [Path("/proc", pid) for pid in done.stdout.split()]
    assert len(workers) == 2, done.stderr
    ended_by = time.monotonic() + 20
    while any(worker.exists() for worker in workers):
        assert time.monotonic() < ended_by, "a loader process outlives its parent"
        time.sleep(0.1)


SMALL = """
import sys
from pathlib import Path
import numpy as np
import torch
from test_loader import CLIP, Augmentation, ClipDataset, ClipIndex, ClipLoader
from kinema.evaluation.score import score
from kinema.evaluation.views import ViewDataset
from kinema.experiment.model_sections import Evaluation
index = ClipIndex.load(Path(sys.argv[1]), subset="validation", clip=CLIP)
clips = ClipDataset(index, clip=CLIP)
expected = list(ClipLoader(clips, batch_size=2))
for batch, other in zip(ClipLoader(clips, batch_size=2, num_workers=2), expected, strict=True):
    assert all(torch.equal(batch[name], other[name]) for name in other)
scores = score(lambda batch: batch.mean((2, 3, 4)), ViewDataset(index, clip=CLIP, views=Evaluation()), batch_size=4)
assert np.array_equal(scores.labels, np.concatenate([batch["label"] for batch in expected]))
"""


LARGE = """
import sys
from pathlib import Path
import torch
from test_loader import CLIP, ClipDataset, ClipIndex, ClipLoader
clip = CLIP.model_copy(update={"length": 16, "size": 224})
clips = ClipDataset(ClipIndex.load(Path(sys.argv[1]), subset="validation", clip=clip, is_spaced=True), clip=clip)
loader = ClipLoader(clips, batch_size=30, num_workers=1, sampler=[0] * 60)
for batch in loader:
    assert batch["clip"].nbytes == 30 * 16 * 3 * 224 * 224 > 64 * 2**20
    assert all(torch.equal(clip, batch["clip"][0]) for clip in batch["clip"])
"""


def run_with_small_shm(prepared, size, program=SMALL) -> subprocess.CompletedProcess:
    command = f'mount -t tmpfs -o size={size} tmpfs /dev/shm && exec "$@"'
    wrapped = ["unshare", "--mount", "sh", "-c", command, "sh"]
    try:
        subprocess.run([*wrapped, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount: {error}")
    script = [sys.executable, "-c", program, prepared / "clips.parquet"]
    return subprocess.run([*wrapped, *script], capture_output=True, text=True, timeout=200, cwd=Path(__file__).parent)


@pytest.mark.slow
def test_a_small_dev_shm_is_enough(prepared):
    """Containers have 64 MB, which a few batches fill; here clips are small and it is smaller still."""
    done = run_with_small_shm(prepared, "64k")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_batch_may_be_larger_than_dev_shm(prepared):
    """As in a pod of Kubernetes, which has 64 MB whatever its memory is."""
    done = run_with_small_shm(prepared, "64m", LARGE)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_full_dev_shm_is_named(prepared):
    done = run_with_small_shm(prepared, "4k")
    assert "no space left in /dev/shm, on the file system /dev/shm (0.0 MB free)" in done.stderr.splitlines()[-1]
    assert "--shm-size" in done.stderr.splitlines()[-1]
