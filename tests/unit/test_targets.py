"""A target that no rule makes is told with the output that could be meant."""

import pytest

from kinema.experiment.files import ConfigError
from kinema.experiment.targets import check_outputs

RULES = {
    "verify": ["results/{dataset,[^/]+}/{model,[^/]+}/model.xml", "results/{dataset,[^/]+}/{model,[^/]+}/model.bin"],
    "index": ["results/{dataset,[^/]+}/clips.parquet"],
    "shard": ["prepared/{corpus,[^/]+}/{recipe,[^/]+}/shards/{shard,\\d{4}}.parquet"],
    "all": [],
}


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").touch()  # Snakemake refuses what no rule makes, though it is there


@pytest.mark.parametrize(
    "target",
    ["results/a/b/model.xml", "./results/a//clips.parquet", "prepared/a/b/shards/0001.parquet", "all"],
)
def test_outputs_and_rules_pass(target):
    check_outputs([target], RULES)


@pytest.mark.parametrize(
    ("target", "ending"),
    [
        ("results/a/b/model.xlm", "; did you mean 'results/a/b/model.xml'?"),
        ("result/a/clips.parquet", "; did you mean 'results/a/clips.parquet'?"),
        ("prepared/a/b/shard/0001.parquet", "; did you mean 'prepared/a/b/shards/0001.parquet'?"),
        ("results/a", "."),
        ("x", "."),
        ("list.csv", "."),
    ],
)
def test_others_are_told(target, ending):
    with pytest.raises(ConfigError) as error:
        check_outputs(["all", target], RULES)
    assert str(error.value) == f"{target}: no rule makes this{ending}"


def test_an_absolute_path_is_none(tmp_path):
    with pytest.raises(ConfigError, match=r"did you mean 'results/a/b/model\.bin'"):
        check_outputs([str(tmp_path / "results/a/b/model.bin")], RULES)
