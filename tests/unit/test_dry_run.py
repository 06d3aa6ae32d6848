"""What `kinema plan` makes of a DAG; tests/workflow/test_plan.py compares it with real runs."""

import json
import re
import sys

import pytest

from kinema import known_code, provenance
from kinema.cli import main
from kinema.dry_run.changes import causes
from kinema.dry_run.duration import seconds_of, together
from kinema.dry_run.jobs import DryRun, Job
from kinema.dry_run.rows import rows_of
from kinema.dry_run.snakemake import check_arguments
from kinema.dry_run.table import as_lines
from kinema.dry_run.videos import Changed
from kinema.durations import duration_in_words
from kinema.experiment.files import ConfigError
from kinema.input_error import InputError

PLAIN = {"inputs": {}, "watched": (), "outputs": (), "params": {}, "threads": 1, "benchmark_path": None}
FOUR, FIVE = "0" * 15 + "4", "0" * 15 + "5"


def job(rule, *depends_on, needed=False, **options):
    values = {**PLAIN, "wildcards": {}, "is_needed": needed, "is_checkpoint": False, "reason": "because", **options}
    return Job(rule=rule, depends_on=depends_on, **values)


def changed(before, now, rule="train", **params):
    """A job with these params, of which one was another."""
    texts = {name: repr(value) for name, value in params.items()}
    return job(rule, needed=True, params=texts, params_before=tuple(map(repr, before)), params_now=(repr(now),))


def as_json(**sections):
    return json.dumps(sections, sort_keys=True)


def test_settings_that_changed_are_told_with_both_values():
    before = as_json(training={"lr": 1e-4, "epochs": 3}, clip={"length": 16})
    now = as_json(training={"lr": 1e-3, "epochs": 3}, clip={"length": 16})
    assert causes(changed([before, FOUR], now, code=FOUR, settings=now), {}) == ["training.lr: 0.0001 -> 0.001"]
    given = as_json(training={"lr": 1e-3, "epochs": 3, "ema_decay": 0.9}, clip={"length": 16})
    assert causes(changed([now], given, settings=given), {}) == ["training.ema_decay: none -> 0.9"]


@pytest.mark.parametrize(
    ("rule", "param", "section"),
    [("shard", "media", "media"), ("annotations", "settings", "annotations"), ("render_demo", "settings", "demo")],
)
def test_settings_of_one_section_are_told_with_its_name(rule, param, section):
    before, now = (json.dumps({"key": value, "other": 4}) for value in (256, 128))
    assert causes(changed([before], now, rule=rule, **{param: now}), {}) == [f"{section}.key: 256 -> 128"]


def test_videos_that_are_listed_and_not_scored_are_told_by_their_number():
    before, now = (json.dumps({"annotated": number, "groups": FOUR}) for number in (24, 26))
    assert causes(changed([before], now, rule="evaluate", listed=now), {}) == ["listed.annotated: 24 -> 26"]


def test_of_many_settings_the_first_are_told():
    before, now = (as_json(training={f"key_{number}": value for number in range(9)}) for value in (0, 1))
    *named, more = causes(changed([before], now, settings=now), {})
    assert (len(named), more) == (4, "5 more settings")


def test_code_is_told_by_its_modules(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    script = tmp_path / "train.py"
    script.write_text("print(1)\n")
    before = provenance.source_digest(script, "kinema.metrics")
    script.write_text("print(2)\n")
    now = provenance.source_digest(script, "kinema.metrics", "kinema.training.optim")
    one_job = changed([before, FIVE], now, data=FOUR, code=now)
    (text,) = causes(one_job, {})
    assert text.startswith("code of its script, ")
    assert "training.optim" in text
    assert "metrics" not in text
    (known_code.FOLDER / f"{before}.json").unlink()
    assert causes(one_job, {}) == ["other code"]


def test_the_code_of_a_model_names_its_tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "train.py").touch()
    found = [provenance.model_digest(tmp_path / "train.py", "kinema.metrics", name) for name in ("s3d", "r3d_18")]
    modules = [known_code.remembered(one) for one in found]
    assert provenance.MODEL_FACTS in known_code.changed_modules(*modules)


def test_digests_are_told_by_what_they_are_of():
    assert causes(changed([FOUR], FIVE, digest=FIVE), {}) == ["other videos"]
    assert causes(changed(["failures: 0"], "failures: 1", failures="failures: 1"), {}) == ["failed the last time"]
    assert causes(changed([8, FOUR], 16, num_shards=16), {}) == ["num_shards: 8 -> 16"]


def test_files_are_told_by_name():
    lists = job("annotations", needed=True, updated_inputs=("data/mine/list.csv",))
    assert causes(lists, {}) == ["list.csv changed"]
    lost = job("verify", needed=True, outputs=("a/model.xml", "a/model.bin"), missing=("a/model.bin",))
    assert causes(lost, {}) == ["model.bin missing"]
    assert causes(job("train", needed=True, is_new=True, missing=("a/model.pth",)), {}) == ["not made yet"]
    after = job("evaluate", needed=True, updated_in_run=("a/model.pth",))
    assert causes(after, {"a/model.pth": "train"}) == ["after train"]


def test_what_follows_a_checkpoint_is_certain_or_not():
    plan = job("plan", needed=True, is_checkpoint=True, outputs=("plan.json",))
    shards = [
        job("shard", 0, wildcards={"shard": f"000{number}"}, outputs=(f"{number}.parquet",)) for number in range(2)
    ]
    report = job("dataset_report", 1, 2, watched=("0.parquet", "1.parquet"), outputs=("report.json",))
    index = job("index", 1, 2, is_checkpoint=True, watched=("0.parquet", "1.parquet"), outputs=("clips.parquet",))
    found = DryRun(jobs=(plan, *shards, report, index, job("train", 4, outputs=("model.pth",))))

    told = {row.rule: (row.why, row.is_certain, len(row.jobs)) for row in rows_of(found, {0: None})}
    assert told["shard"] == ("decided after plan", False, 2)
    assert told["train"] == ("decided after plan", False, 1)
    told = {row.rule: (row.why, row.is_certain, len(row.jobs)) for row in rows_of(found, {0: Changed()})}
    assert told.keys() == {"plan"}
    videos = Changed(new=2, other=1, shards={"0001": 0.5})
    told = {row.rule: (row.why, row.is_certain, len(row.jobs)) for row in rows_of(found, {0: videos})}
    assert told["shard"] == ("after plan: 2 new, 1 changed videos", True, 1)
    assert told["dataset_report"] == ("after shard", True, 1)
    assert told["train"] == ("decided after index", False, 1)


def test_videos_are_told_by_number():
    assert Changed(new=120, missing=3).told() == "120 new videos, 3 listed but found nowhere"
    assert Changed(other=1).told() == "1 changed video"
    assert Changed(shards={"0001": 0.0}).told() == "the same videos"
    plan = job("plan", needed=True, is_new=True)
    (row,) = rows_of(DryRun(jobs=(plan,)), {0: Changed(new=2)})
    assert row.why == "not made yet: 2 new videos"


def test_what_was_never_made_and_is_not_needed_yet_is_not_certain():
    annotations = job("annotations", needed=True, is_checkpoint=True)
    export = job("export", 0, is_new=True, outputs=("model.onnx",))
    verify = job("verify", 1, watched=("model.onnx",))
    rows = rows_of(DryRun(jobs=(annotations, export, verify)), {})
    assert [(row.rule, row.why, row.is_certain) for row in rows[1:]] == [
        ("export", "not made yet; decided after annotations", False),
        ("verify", "decided after annotations", False),
    ]


def test_rows_stand_in_the_order_of_the_stages():
    jobs = (job("evaluate", 2, needed=True), job("index", needed=True), job("train", 1, needed=True))
    assert [row.rule for row in rows_of(DryRun(jobs=jobs), {})] == ["index", "train", "evaluate"]


@pytest.fixture
def earlier(tmp_path, monkeypatch):
    """Function that writes a benchmark file of an earlier run."""
    monkeypatch.chdir(tmp_path)

    def write(path, seconds):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t1\n")
        return path

    return write


def test_jobs_last_as_long_as_the_last_time_or_as_others_of_their_rule(earlier):
    own = earlier("logs/a/b/shard_0000.benchmark.tsv", 10)
    earlier("logs/a/b/shard_0001.benchmark.tsv", 30)
    earlier("logs/a/b/shard_0002.benchmark.tsv", 20)
    earlier("logs/a/b/sharded.benchmark.tsv", 1000)
    jobs = [job("shard", benchmark_path=path, outputs=(path,)) for path in (own, "logs/a/b/shard_0009.benchmark.tsv")]
    assert seconds_of([*jobs, job("train")], {}) == [10, 20, None]
    assert seconds_of(jobs, {own: 0.5}) == [5, 20]


def test_damaged_benchmark_files_tell_nothing(earlier):
    path = earlier("logs/a/b/train.benchmark.tsv", "NA")
    assert seconds_of([job("train", benchmark_path=path)], {}) == [None]


def test_one_second_is_one():
    assert [duration_in_words(seconds) for seconds in (1.0, 1.5, 7320)] == ["1 second", "1.5 seconds", "2 hours"]


def test_jobs_share_the_cores():
    assert together([10, 10, 10, 10], [1, 1, 1, 1], 4, None) == 10
    assert together([10, 10, 10, 10], [8, 8, 8, 8], 4, None) == 40
    assert together([10, 2], [1, 1], 16, None) == 10
    assert together([10, 10, 10, 10], [8, 8, 8, 8], 4, 2) == 20


def test_the_table_sums_up(earlier):
    path = earlier("logs/d/m/train.benchmark.tsv", 90)
    train = job("train", 0, needed=True, benchmark_path=path, is_forced=True, outputs=("m",))
    jobs = (job("index"), train, job("evaluate", 1, needed=True, updated_in_run=("m",)))
    assert as_lines(DryRun(jobs=jobs, num_cores=2)) == [
        "stage     jobs  kept  time        why",
        "train     1     0     90 seconds  forced",
        "evaluate  1     0     ?           after train",
        "2 of 3 jobs, about 90 seconds on 2 cores by the times of earlier runs; evaluate never ran here",
        "kept as they are: index",
    ]
    assert as_lines(DryRun(jobs=(job("index"), job("train", 0)))) == [
        "nothing to do: what was asked for is current, with 2 jobs behind it"
    ]


def test_rows_name_their_jobs_where_there_are_others(earlier):
    jobs = [
        job("train", needed=number < 4, is_forced=True, wildcards={"dataset": "d", "model": f"m{number}"})
        for number in range(5)
    ]
    lines = as_lines(DryRun(jobs=tuple(jobs), num_cores=2))
    assert re.split("  +", lines[1]) == ["train m0, m1, m2 and 1 more", "4", "1", "?", "forced"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "training.lr=0.1"], "write --config 'training={lr: 0.1}'"),
        (["--config", "a.b.c=[1, 2]"], "write --config 'a={b: {c: [1, 2]}}'"),
        (["--config", "results/a/b/model.xml"], "results/a/b/model.xml too: expected KEY=VALUE; targets come first"),
        (["--unlock"], "--unlock: kinema plan runs nothing but a dry run; for this run snakemake --unlock"),
        (["--cleanup-metadata", "a"], "for this run snakemake --cleanup-metadata"),
        (["--report", "a.html"], "for this run snakemake --report"),
        (["-t"], "for this run snakemake --touch"),
        (["--list"], "for this run snakemake --list-rules"),
        (["--configfile", "no.yaml"], "--configfile no.yaml: there is no such file"),
        (["--configfile", "folder"], "--configfile folder: is no file"),
        (["--configfile", "good.yaml", "results/a/b/model.xml"], "results/a/b/model.xml too: write the target before"),
        (["--configfile", "binary.yaml"], "binary.yaml, line 1: not UTF-8"),
        (["--configfile", "odd.yaml"], "odd.yaml, line 2"),
    ],
)
def test_what_snakemake_refuses_is_told_in_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "good.yaml").write_text("training: {lr: 0.1}\n")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "odd.yaml").write_text("training:\n\tlr: 1\n")
    with pytest.raises((ConfigError, InputError)) as raised:
        check_arguments(["results/x/y/model.pth", *arguments])
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_arguments_come_to_snakemake_as_they_are(monkeypatch):
    given = []
    monkeypatch.setattr("kinema.dry_run.snakemake.dry_run", lambda arguments: given.append(arguments) or DryRun())
    arguments = ["--cores", "2", "--configfile", "a.yaml", "--", "results/a/b/model.xml"]
    assert main(["plan", *arguments]) == 0
    assert given == [arguments]


def test_a_cluster_may_run_as_many_jobs_as_there_are(earlier):
    path = earlier("logs/d/m/train.benchmark.tsv", 90)
    jobs = (job("train", needed=True, is_forced=True, benchmark_path=path),)
    four, all_of_them = (as_lines(DryRun(jobs=jobs, num_remote=number))[-1] for number in (4, sys.maxsize))
    assert "about 90 seconds on 4 jobs at a time by the times of earlier runs" in four
    assert "about 90 seconds on as many machines as there are jobs by the times" in all_of_them


def test_a_dry_run_is_handed_over_as_it_is(tmp_path):
    jobs = (job("shard", wildcards={"shard": "0001"}, inputs={"plan": ["a", "b"]}), job("index", 0, needed=True))
    found = DryRun(jobs=jobs, num_cores=3, warnings=("one",))
    found.write(tmp_path / "jobs.json")
    assert DryRun.read(tmp_path / "jobs.json") == found
