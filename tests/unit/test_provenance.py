"""Which modules count for a digest of code, and when the digest of a file is taken anew."""

import os
import shutil
from pathlib import Path

import pytest

from kinema import digests, provenance
from kinema.digests import digest, file_digest, remembered_digest
from kinema.models.names import DECODERS, ENCODERS
from kinema.provenance import PACKAGE, model_digest, module_path, source_digest

SCRIPT = "from kinema.job import log\nfrom kinema.stage.work import work\nfrom kinema.watching import look\n"
WORK = '''"""Doc."""
from kinema import disk
from kinema.stage import helper


def work():
    """Say."""
    return helper.NUMBER
'''
ROOT = "kinema.stage.work"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A tiny package: a script that imports `work`, which imports `helper`; `other` is imported by nobody."""
    stage = tmp_path / "kinema/stage"
    stage.mkdir(parents=True)
    (tmp_path / "script.py").write_text(SCRIPT)
    (stage / "__init__.py").write_text("")
    (stage / "work.py").write_text(WORK)
    (stage / "helper.py").write_text("from .deep import NUMBER\nfrom .. import beside\n")
    (stage / "deep.py").write_text("NUMBER = 1\n")
    (stage / "other.py").write_text("NUMBER = 1\n")
    for name in ("disk", "job", "beside", "watching"):
        (tmp_path / f"kinema/{name}.py").write_text("A = 1\n")
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path / "kinema")
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    # the clock of the file system is coarse; digests are cached by time stamp
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("kinema/stage/helper.py", "beside", "beside as b", False),
        ("kinema/stage/deep.py", "1", "2", False),
        ("kinema/beside.py", "1", "2", False),
        ("kinema/stage/__init__.py", "", "A = 1", False),
        ("kinema/stage/work.py", "return", "# why\n    return", True),
        ("kinema/stage/work.py", "Say.", "Say more.", True),
        ("kinema/stage/other.py", "1", "2", True),
        ("kinema/disk.py", "1", "2", True),
        ("kinema/job.py", "1", "2", True),
        ("kinema/watching.py", "1", "2", True),
        ("script.py", "import work", "import work as w", False),
    ],
)
def test_a_digest_follows_the_imports_of_what_computes(package, file, old, new, same):
    before = source_digest(package / "script.py", ROOT)
    change(package / file, old, new)
    assert (source_digest(package / "script.py", ROOT) == before) is same


def test_time_stamps_and_the_folder_do_not_count(package):
    before = source_digest(package / "script.py", ROOT)
    for path in package.rglob("*.py"):
        os.utime(path, ns=(1, 1))
    assert source_digest(package / "script.py", ROOT) == before


def test_modules_imported_by_name_are_added(package):
    before = source_digest(package / "script.py", ROOT, "kinema.stage.other")
    change(package / "kinema/stage/other.py", "1", "2")
    assert source_digest(package / "script.py", ROOT, "kinema.stage.other") != before


def test_a_model_has_the_digest_of_its_own_modules_and_names(tmp_path, monkeypatch):
    script = tmp_path / "script.py"
    script.write_text("")
    root = "kinema.models.positions"
    names = ["resnet18_vtn", "resnet18_baseline", "resnet34_vtn", "resnet18_vtn_rgbdiff", "resnet18_vtn_flow"]
    before = {name: model_digest(script, root, name) for name in names}
    assert len(set(before.values())) == 4, "differences of frames are computed by the network: they have no facts"
    monkeypatch.setitem(DECODERS, "mean", "kinema.models.baseline")
    assert {name: model_digest(script, root, name) for name in names} == before
    with monkeypatch.context() as patch:
        patch.setitem(ENCODERS, "resnet34", "resnet34d")
        assert {name for name in names if model_digest(script, root, name) != before[name]} == {"resnet34_vtn"}
    with monkeypatch.context() as patch:
        patch.setattr("kinema.models.model_name.TRACED", ("resnet34_vtn",))
        assert {name for name in names if model_digest(script, root, name) != before[name]} == {"resnet34_vtn"}
    shutil.copytree(PACKAGE, tmp_path / "kinema")
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path / "kinema")
    change(tmp_path / "kinema/models/baseline.py", "return embeddings_BTK", "return -embeddings_BTK")
    changed = {name for name in names if model_digest(script, root, name) != before[name]}
    assert changed == {"resnet18_baseline"}


def test_every_neutral_module_exists():
    assert all(module_path(name) for name in provenance.NEUTRAL)


def test_digest_ignores_the_order_of_keys():
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_a_file_digest_is_of_the_content(tmp_path):
    path = tmp_path / "a"
    assert file_digest(path) == file_digest(path / "b") == "absent"
    path.write_text("one")
    first = file_digest(path)
    change(path, "one", "two")
    assert file_digest(path) != first


@pytest.mark.parametrize("size", [10, digests.CACHED_BYTES + 1])
def test_a_file_that_is_replaced_by_one_of_the_same_size_and_date_is_read_anew(tmp_path, monkeypatch, size):
    monkeypatch.setattr(digests, "SETTLED_NS", 0)
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"1" * size)
    other.write_bytes(b"2" * size)
    for file in (path, other):
        os.utime(file, ns=(10**18, 10**18))
    first = file_digest(path)
    other.replace(path)
    assert path.stat().st_mtime_ns == 10**18
    assert file_digest(path) != first


def test_a_file_that_is_as_it_was_is_not_read_by_the_next_process_either(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "SETTLED_NS", 0)
    monkeypatch.setattr(digests, "CACHE", tmp_path / "results/.records/cache.json")
    digests.CACHE.parent.parent.mkdir()
    path = tmp_path / "a"
    path.write_bytes(bytes(digests.CACHED_BYTES))
    first = file_digest(path)
    digests._settled_digest.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(digests, "_content_digest", lambda path: 1 / 0)
        assert file_digest(path) == first
    digests._settled_digest.cache_clear()
    digests.CACHE.write_text("{")
    assert file_digest(path) == first


def test_a_file_that_is_gone_counts_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "CACHE", tmp_path / "results/.records/cache.json")
    digests.CACHE.parent.parent.mkdir()
    path = tmp_path / "model.onnx"
    assert remembered_digest(path) == "absent"
    for text in ("one", "two"):
        path.write_text(text)
        assert remembered_digest(path) == file_digest(path)
    known = file_digest(path)
    path.unlink()
    assert (remembered_digest(path), file_digest(path)) == (known, "absent")
    path.write_text("three")
    assert remembered_digest(path) == file_digest(path) != known
