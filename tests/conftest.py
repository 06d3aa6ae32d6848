"""Shared fixtures: where the real clips lie, and when their absence is a failure."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


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
