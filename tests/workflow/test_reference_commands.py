"""The commands of the page for users of the reference toolkit."""

import csv

import pytest
from reference_page import commands, settings_files

pytestmark = pytest.mark.workflow

KINETICS = ["label", "youtube_id", "time_start", "time_end", "split"]


@pytest.fixture
def equipped(project):
    """A project with lists of Kinetics and UCF-101, folders for their videos, and files of the names on the page."""
    root = project.root
    for path in ("kinetics/annotations", "kinetics/videos", "ucf101/annotations", "ucf101/videos"):
        (root / "data" / path).mkdir(parents=True)
    for subset in ("train", "val"):
        with (root / f"data/kinetics/annotations/{subset}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([KINETICS, ["wave", f"{subset:_<11}", 0, 10, subset]])
    lists = root / "data/ucf101/annotations"
    (lists / "classInd.txt").write_text("1 Wave\n")
    for number in (1, 2, 3):
        (lists / f"trainlist{number:02}.txt").write_text("Wave/v_Wave_g01_c01.avi 1\n")
        (lists / f"testlist{number:02}.txt").write_text("Wave/v_Wave_g02_c01.avi\n")
    for name in ("resnet34_vtn.pth", "save_100.pth"):
        (root / name).touch()
    for name, text in settings_files().items():
        (root / name).write_text(text)
    return project


def test_every_command_is_understood(equipped):
    found = [words[1:] for words in commands()]
    plain = {word for words in found if "--configfile" not in words for word in words if word.startswith("results/")}
    assert len(plain) == 4
    assert "annotations" in equipped.planned(*sorted(plain))
    others = [words for words in found if "--configfile" in words]
    assert len(others) == 5
    for words in others:
        assert "annotations" in equipped.planned(*words)
