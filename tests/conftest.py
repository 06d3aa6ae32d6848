"""What all tests share: threads, folders that are made once, and where the real clips lie."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # else each worker computes on all cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # jobs of Snakemake have two threads all the same: these sleep while they wait for one that has no core
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

REPOSITORY = Path(__file__).resolve().parents[1]
PROCESSES = str(REPOSITORY / "tests/processes")  # its sitecustomize.py is run by every Python process of a test
if PROCESSES not in (paths := os.environ.get("PYTHONPATH", "").split(os.pathsep)):
    os.environ["PYTHONPATH"] = os.pathsep.join([PROCESSES, *filter(None, paths)])
# Files of many minutes: they come first, so that none is left to one worker at the end.
LONGEST = ("test_accuracy.py", "test_model_registry.py", "test_staleness.py")


def pytest_collection_modifyitems(items):
    """The longest files come first; tests that need a GPU are skipped where PyTorch sees none."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
    wanting = [item for item in items if item.get_closest_marker("needs_cuda")]
    if wanting and not _sees_a_gpu():
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason="PyTorch sees no CUDA GPU here"))


def _sees_a_gpu() -> bool:
    import torch  # not for tests that have no use for it

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def make_once(request, tmp_path_factory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Makes a folder of this name unless another worker of pytest-xdist has made it; tests do not change it."""
    root = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        root = root.parent

    def make(name: str, build: Callable[[Path], object]) -> Path:
        folder, done = root / name, root / f"{name}.done"
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
                folder.mkdir()
                build(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real clips and golden values; absent -> skip, or fail where KINEMA_REQUIRE_SHARED=1 (CI)."""
    folder = Path(os.environ.get("KINEMA_SHARED", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        reason = f"no folder {folder} with real clips and golden values; set KINEMA_SHARED to use one"
        if os.environ.get("KINEMA_REQUIRE_SHARED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
