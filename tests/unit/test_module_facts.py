"""What is kept of the text of modules: quickly found again, and only for the same text and the same judge."""

import json
from pathlib import Path

import pytest

from kinema import module_facts
from kinema.module_facts import FILE, Facts, Import, facts_of, keep_facts

TEXT = '"""Doc."""\nfrom ..a import b, c\nimport kinema.d\n\nNUMBER = 1\n'


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    forget()
    yield
    forget()


def forget():
    """As a new process."""
    for function in (module_facts._known, module_facts._facts, module_facts._judges):
        function.cache_clear()


def found_in(text: str) -> Facts:
    path = Path("module.py")
    path.write_text(text)
    forget()
    return facts_of(path)


def test_a_module_is_read_once(monkeypatch):
    Path("results").mkdir()
    first = found_in(TEXT)
    assert first.imports == (Import(2, "a", ("b", "c")), Import(0, "kinema.d", ()))
    keep_facts()
    monkeypatch.setattr(module_facts, "essence", lambda tree: pytest.fail("read again"))
    assert found_in(TEXT) == first
    with pytest.raises(pytest.fail.Exception, match="read again"):
        found_in(TEXT.replace("1", "2"))


def test_facts_of_several_processes_come_together():
    Path("results").mkdir()
    texts = [f"NUMBER = {number}\n" for number in range(3)]
    for text in texts[:2]:
        found_in(text)
        keep_facts()
    assert len(json.loads(FILE.read_text())) == 2
    found_in(texts[2])
    FILE.unlink()  # of what another process has kept, nothing is missed
    keep_facts()
    assert len(json.loads(FILE.read_text())) == 3


def test_another_judge_reads_again(monkeypatch, tmp_path):
    Path("results").mkdir()
    found_in(TEXT)
    keep_facts()
    monkeypatch.setattr(module_facts, "JUDGES", module_facts.JUDGES[1:])
    monkeypatch.setattr(module_facts, "essence", lambda tree: pytest.fail("read again"))
    with pytest.raises(pytest.fail.Exception, match="read again"):
        found_in(TEXT)


@pytest.mark.parametrize("damaged", ["", "[1]", '{"a": ', "{}"])
def test_a_damaged_file_is_made_again(damaged):
    Path("results").mkdir()
    first = found_in(TEXT)
    keep_facts()
    kept = FILE.read_text()
    FILE.write_text(damaged)
    assert found_in(TEXT) == first
    keep_facts()
    assert FILE.read_text() == kept


def test_a_damaged_entry_is_made_again():
    Path("results").mkdir()
    first = found_in(TEXT)
    keep_facts()
    for damaged in (1, ["a"], ["a", [1]], ["a", [[0, "b"]]]):
        FILE.write_text(json.dumps(dict.fromkeys(json.loads(FILE.read_text()), damaged)))
        assert found_in(TEXT) == first


def test_nothing_is_kept_where_there_are_no_results():
    found_in(TEXT)
    keep_facts()
    assert not FILE.exists()


def test_the_code_that_judges_is_named_whole():
    """All modules of ours that decide what counts of a text."""
    from kinema.provenance import closure

    assert {f"kinema.{name}" for name in module_facts.JUDGES} | {"kinema"} >= set(closure("kinema.module_facts"))
