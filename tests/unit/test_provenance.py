"""What changes a digest and what does not."""

from pathlib import Path

import pytest

from kinema import provenance
from kinema.provenance import digest, file_digest, source_digest

SCRIPT = "from kinema.stage.work import work\n"
WORK = '"""Doc."""\nfrom kinema.stage import helper\n\n\ndef work():\n    """Say."""\n    return helper.NUMBER\n'


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A tiny package: a script that imports `work`, which imports `helper`; `other` is imported by nobody."""
    stage = tmp_path / "kinema/stage"
    stage.mkdir(parents=True)
    (tmp_path / "script.py").write_text(SCRIPT)
    (stage / "work.py").write_text(WORK)
    (stage / "helper.py").write_text("NUMBER = 1\n")
    (stage / "other.py").write_text("NUMBER = 1\n")
    (tmp_path / "kinema/config.py").write_text("A = 1\n")
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path / "kinema")
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    # the clock of the file system is coarse; digests are cached by time stamp
    import os

    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("kinema/stage/helper.py", "1", "2", False),
        ("kinema/stage/work.py", "return", "# why\n    return", True),
        ("kinema/stage/work.py", "Say.", "Say more.", True),
        ("kinema/stage/other.py", "1", "2", True),
        ("kinema/config.py", "1", "2", True),
        ("script.py", "import work", "import work as w", False),
    ],
)
def test_source_digest_follows_imports_and_ignores_comments(package, file, old, new, same):
    before = source_digest(package / "script.py")
    change(package / file, old, new)
    assert (source_digest(package / "script.py") == before) is same


def test_digests_are_the_same_in_every_version_of_python(package):
    (package / "script.py").write_text("def f(x, *, y: int = 0) -> str:\n    return f'{x!r} {y}'\n")
    assert source_digest(package / "script.py") == "fdc45c6268797f16"


def test_modules_imported_by_name_are_added(package):
    before = source_digest(package / "script.py", modules=("kinema.stage.other",))
    change(package / "kinema/stage/other.py", "1", "2")
    assert source_digest(package / "script.py", modules=("kinema.stage.other",)) != before


def test_digest_ignores_the_order_of_keys():
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_file_digest_is_of_the_content(tmp_path):
    path = tmp_path / "a"
    assert file_digest(path) == "absent"
    path.write_text("one")
    first = file_digest(path)
    change(path, "one", "two")
    assert file_digest(path) != first
