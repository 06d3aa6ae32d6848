"""Every storage and every official list, from raw clips to the clip index and a training."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from project import MODEL, Project, copy_code

pytestmark = pytest.mark.workflow


@pytest.mark.parametrize("storage", ["frames", "video"])
def test_a_model_trains_from_any_storage(project, storage):
    project.edit("config/datasets/tiny.yaml", "short_side: 64", f"short_side: 64\n  storage: {storage}")
    project.snakemake(f"{MODEL}/model.pth")
    (recipe,) = (project.root / "prepared/tiny").glob(f"{storage}-64px-*")
    stored = {"frames": "frames/grow/grow_train_000/image_00001.jpg", "video": "videos/grow/grow_train_000.mp4"}
    assert (recipe / stored[storage]).is_file()
    assert "Nothing to be done" in project.snakemake(f"{MODEL}/model.pth")


def test_flow_is_prepared_beside_the_pictures(project):
    project.edit("config/datasets/tiny.yaml", "short_side: 64", "short_side: 64\n  modality: flow")
    project.snakemake("results/tiny/clips.parquet")
    assert {path.name for path in (project.root / "prepared/tiny").iterdir()} == {
        "packed-64px-q4",
        "packed-64px-q4-flow20",
    }
    shard = next((project.root / "prepared/tiny").glob("*flow20/shards/*.parquet"))
    assert shard.with_suffix(".arrow").is_file()


# by data set: folder of its lists, folder of its clips, usable videos, some of them by class
OFFICIAL = {
    "kinetics": (None, "kinetics_tiny", 8, {"arm wrestling": 4, "bungee jumping": 4}),
    "ucf101_1": ("ucf101_crlf", "ucf101", 6, {"ApplyEyeMakeup": 1, "Biking": 1, "Punch": 1, "SoccerJuggling": 2}),
    "hmdb51_1": ("hmdb51", "hmdb51", 7, {"golf": 1, "climb": 1}),  # split 1 leaves two of the nine clips out
}


@pytest.mark.real
@pytest.mark.parametrize("name", OFFICIAL)
def test_official_lists_find_real_clips(shared, tmp_path, name):
    copy_code(tmp_path / "project")
    project = Project(tmp_path / "project")
    lists, clips, number, labels = OFFICIAL[name]
    path = shared / "annotations" / lists if lists else kinetics_list(shared, project.root)
    # the shipped configuration, with the data where it is
    corpus = name.removesuffix("_1")
    for file in (project.root / "config/datasets").glob(f"{corpus}*.yaml"):
        settings = yaml.safe_load(file.read_text()) | {"max_failed_fraction": 1.0, "num_shards": 4}
        settings |= {"videos": str((shared / "real" / clips).resolve()), "media": {"short_side": 64}}
        settings["annotations"]["path"] = str(path.resolve())
        file.write_text(yaml.safe_dump(settings))
    project.snakemake(f"results/{name}/clips.parquet")
    report = json.loads((project.root / f"results/{name}/dataset_report.json").read_text())
    assert (report["ok"], report["failed"]) == (number, 0)
    assert report["ok"] + report["missing"] == report["listed"]
    assert {label: report["labels"][label]["ok"] for label in labels} == labels
    assert report["leaks"] == {"content": [], "group": [], "source": []}
    index = pq.read_table(project.root / f"results/{name}/clips.parquet").to_pandas()
    assert index["video"].nunique() == number


def kinetics_list(shared: Path, root: Path) -> Path:
    """The real clips as a list of Kinetics-400: half of each class for training."""
    lines = ["label,youtube_id,time_start,time_end,split,is_cc"]
    for number, path in enumerate(sorted((shared / "real/kinetics_tiny").rglob("*.mp4"))):
        youtube_id, start, end = path.stem[:11], path.stem[12:18], path.stem[19:]
        split = "train" if number % 2 else "validate"
        lines.append(f'"{path.parent.name}",{youtube_id},{int(start)},{int(end)},{split},0')
    (root / "list.csv").write_text("\n".join(lines) + "\n")
    return root / "list.csv"
