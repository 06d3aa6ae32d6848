"""A network is asked once for each question, code and release; what it answered is kept beside the results."""

import subprocess
import sys

import pytest

from kinema.experiment import network_answers
from kinema.experiment.network_answers import FILE, answered, keep_answers

MODULE = "kinema.models.positions"


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)
    start_anew(monkeypatch)
    return tmp_path


def start_anew(monkeypatch):
    """As a new process."""
    monkeypatch.setattr(network_answers, "_asked", {})


def ask(question="takes 64 pixels?", answer="no"):
    """The answer, and whether the network was asked for it."""
    asked = []
    found = answered(question, MODULE, ask=lambda: asked.append(question) or answer)
    return found, bool(asked)


def test_the_same_is_asked_once(project, monkeypatch):
    assert ask() == ("no", True)
    assert ask() == ("no", False)
    start_anew(monkeypatch)
    assert ask(answer="never asked") == ("no", False)
    assert ask("takes 65 pixels?", "") == ("", True)
    start_anew(monkeypatch)
    assert ask("takes 65 pixels?") == ("", False), "an empty answer is one"


def test_other_code_and_other_releases_are_asked_anew(project, monkeypatch):
    assert ask() == ("no", True)
    monkeypatch.setattr(network_answers, "_releases", lambda: ["timm 9.9"])
    assert ask(answer="yes") == ("yes", True)
    monkeypatch.setattr(network_answers, "_code", lambda modules: {MODULE: "edited"})
    assert ask(answer="perhaps") == ("perhaps", True)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', "\x00"])
def test_a_damaged_file_costs_asking(project, monkeypatch, text):
    ask()
    FILE.write_text(text)
    start_anew(monkeypatch)
    assert ask() == ("no", True)
    start_anew(monkeypatch)
    assert ask() == ("no", False)


def test_before_there_are_results_nothing_is_written_until_there_are(project, monkeypatch):
    (project / "results").rmdir()
    assert ask() == ("no", True)
    assert list(project.iterdir()) == []
    (project / "results").mkdir()
    keep_answers()
    start_anew(monkeypatch)
    assert ask() == ("no", False)


def test_answers_of_another_process_are_kept(project, monkeypatch):
    ask("one")
    start_anew(monkeypatch)
    ask("two")
    start_anew(monkeypatch)
    assert [ask(question)[1] for question in ("one", "two")] == [False, False]


def test_an_error_is_no_answer(project):
    def fail():
        raise ImportError("no timm")

    with pytest.raises(ImportError):
        answered("one", MODULE, ask=fail)
    assert not FILE.exists()


@pytest.mark.slow
def test_a_start_after_the_first_imports_no_pytorch_for_an_encoder_of_timm(project):
    (project / "videos").mkdir()
    (project / "list.csv").write_text("video,label,subset\na,x,training\nb,y,validation\n")
    check = (
        "import sys\n"
        "from kinema.experiment.files import load_config\n"
        "from kinema.experiment.targets import check_target\n"
        "data = {'annotations': {'path': 'list.csv'}, 'videos': 'videos', 'clip': {'size': 64}}\n"
        "config = load_config({'datasets': {'mine': data}})\n"
        "for model in ('test_efficientnet_vtn', 'mobilenetv3_small_050_tsm'):\n"
        "    check_target(config, f'results/mine/{model}/model.xml', lambda: True)\n"
        "print('torch' in sys.modules)\n"
    )
    starts = [subprocess.run([sys.executable, "-c", check], capture_output=True, text=True) for _ in range(2)]
    assert [start.stdout for start in starts] == ["True\n", "False\n"], starts
