"""What looks at the videos beside the workflow: `init-dataset`, `kinema split`, and the estimate of an extraction."""

import logging
import shutil
from pathlib import Path

import pytest
import yaml
from media_corpus import MEDIA, Corpus, make_video
from remote_servers import serving_folder
from scenes import scene

from kinema.cli import main
from kinema.experiment.data_sections import Media
from kinema.media import estimate, large
from kinema.media.remote import retrying, stores


@pytest.fixture
def served(tmp_path, monkeypatch):
    """The address of two classes of eight videos each; the working directory is an empty project."""
    raw = tmp_path / "server" / "gym" / "videos"
    for number in range(16):
        make_video(raw / ("jump" if number % 2 else "run") / f"g{number // 4}_{number}.mp4", frames=20, seed=number)
    (raw / "run" / "odd.xyz").write_bytes(b"x")
    (raw / "run" / "notes.txt").write_bytes(b"x")
    (tmp_path / "project" / "config").mkdir(parents=True)
    (tmp_path / "project" / "config" / "config.yaml").write_text("ffmpeg: null\n")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(retrying, "FIRST_WAIT_SECONDS", 0.01)
    stores.store_of.cache_clear()
    with serving_folder(tmp_path / "server") as address:
        yield f"{address}/gym/videos"


def test_init_dataset_and_split_take_an_address(served, capsys):
    assert main(["init-dataset", served, "--group", r"(g\d)_"]) == 0
    told = capsys.readouterr().out
    assert "4 groups of 16 videos are read by the pattern" in told
    assert "1 files are no video inside and are left out: 'run/odd.xyz'" in told
    assert "1 files have an extension of no video and are left out: 1 .txt" in told
    settings = yaml.safe_load(Path("config/datasets/gym.yaml").read_text())
    assert settings["videos"] == served
    assert settings["clip"]["stride"] == 1, "some videos were looked into: they last less than a second"
    rows = Path("data/gym/annotations.csv").read_text().splitlines()
    assert len(rows) == 17
    assert main(["split", "data/gym/annotations.csv", "--group", r"((jump|run)/g\d)", "--seed", "3"]) == 0
    assert "8 groups of 16 videos are read by the pattern from names and folders" in capsys.readouterr().out
    assert main(["split", "data/gym/annotations.csv", "--videos", f"{served}/none"]) == 2
    assert "gym/videos/none: cannot be listed (HTTP 404). Correct `videos`" in capsys.readouterr().err


@pytest.mark.slow
def test_videos_behind_an_address_are_looked_at(served, tmp_path, capsys):
    """Needs the encoder that comes with pip, and so PyTorch."""
    shutil.rmtree(tmp_path / "server/gym/videos")
    for seed in range(4):
        for label in ("run", "jump"):
            scene(tmp_path / f"server/gym/videos/{label}/{seed}.mp4", seed, start=40 * (label == "jump"))
    assert main(["init-dataset", served, "--group", "looks"]) == 0
    assert "videos look alike" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("s3://anna:SECRET@films/x", "s3://...@films/x: an address must not hold a user name or a password"),
        ("ftp://host/x", "ftp://host/x: expected a folder, or an address that begins with s3://"),
    ],
)
def test_a_wrong_address_is_told_in_a_line(served, capsys, address, message):
    assert main(["init-dataset", address]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "SECRET" not in error


def test_a_large_extraction_is_estimated_by_videos_that_are_brought_for_it(served, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(large, "LARGE_VIDEOS", 3)
    corpus = Corpus(tmp_path)
    corpus.videos.rmdir()
    corpus.videos = served
    corpus.plan([f"g{number // 4}_{number}" for number in range(16)] + ["lost"])
    media = MEDIA.model_dump_json()
    large.check_extraction(corpus.root / "plan.json", settings=[media], ffmpeg=None, workers=2, cores=2)
    assert "16 videos become about 320 frames" in caplog.text
    assert not list(corpus.root.glob("estimate-*"))
    assert Media.model_validate_json(media) == MEDIA
    assert estimate.SAMPLE > 16
