"""The page for users of the reference toolkit: complete, and what it names is here."""

import re

import pytest
import yaml
from reference_page import code, commands, rows, section, settings_files

from kinema.experiment.config import Dataset, Settings
from kinema.experiment.files import load_config, load_config_files
from kinema.experiment.resolve import media_of, resolve

# of its main.py, all that its versions had
OPTIONS = """
--root-path --video-path --annotation-path --dataset --split --dataset-config --result-path --model --encoder
--model-depth --resnet-shortcut --wide-resnet-k --resnext-cardinality --hidden-size --bidirectional-lstm --layer-norm
--n-classes --n-finetune-classes --clip-size --seq --sample-duration --st --temporal-stride --sample-size --n-clips
--n-val-clips --n-test-clips --video-format --crop --scales --initial-scale --n-scales --scale-step --hflip --vflip
--photometric --mean-norm --std-norm --mean-dataset --norm-value --batch-size --batch -b --iter-size --drop-last
--n-epochs --epochs --begin-epoch --learning-rate --lr --optimizer --solver --momentum --nesterov --dampening
--weight-decay --scheduler --lr-policy --gamma --lr-patience --lr-step-size --gradient-clipping --weighted-sampling
--validate --train --val --test --test-subset --tta --scale-in-test --crop-position-in-test --softmax-in-test
--pretrain-path --resume-path --resume-train --try-resume --checkpoint --rgb-path --motion-path --teacher-model
--teacher-checkpoint --onnx --sync-bn --fp16 --cuda --manual-seed --n-threads -j
"""
OTHER_OPTIONS = """
--annotation_file --raw_dir -a -r --destination_dir -d --video-size --video-quality -q --subset --no-convert --threads
--checkpoint --input-video --labels --encoder
"""
SCRIPTS = ["kinetics_json.py", "ucf101_json.py", "hmdb51_json.py", "preprocess_videos.py", "model_summary.py"]
TABLES = ("Commands", "Options of main.py", "Options of the other scripts")
SPANS = [span for title in TABLES for _, cell in rows(title) for span in code(cell)]
SETTINGS = [span for span in SPANS if re.match(r"\w+: ", span)]
OF_A_DATA_SET = ("annotations", "videos")


@pytest.mark.parametrize(("title", "expected"), [(TABLES[1], OPTIONS), (TABLES[2], OTHER_OPTIONS)])
def test_every_option_has_one_row(title, expected):
    assert sorted(name for cell, _ in rows(title) for name in code(cell)) == sorted(expected.split())
    assert all(cell for _, cell in rows(title))


def test_every_script_has_a_row():
    named = " ".join(cell for cell, _ in rows("Commands"))
    assert all(script in named for script in [*SCRIPTS, "vtn_demo.py", "mo.py"])
    for use in ("--resume-path", "--pretrain-path", "--onnx", "--no-train"):
        assert f"main.py {use}" in named


@pytest.mark.parametrize("span", sorted(set(SETTINGS)))
def test_a_setting_resolves_to_what_is_shown(span):
    shown = yaml.safe_load(span)
    own = {key: value for key, value in shown.items() if key in OF_A_DATA_SET}
    dataset = {"annotations": {"path": "list.csv"}, "videos": "videos"} | own
    others = {key: value for key, value in shown.items() if key not in own}
    config = load_config({"dataset_dir": "none", "datasets": {"mine": dataset}, **others})
    found = {"media": media_of(config, "mine")} | dict(resolve(config, "mine", "resnet34_vtn").settings)
    for name, keys in others.items():
        for key, value in keys.items():
            assert found[name].model_dump(mode="json")[key] == value
    for name, value in own.items():
        expected = Dataset.model_validate(dataset).model_dump(mode="json")[name]
        assert config.datasets["mine"].model_dump(mode="json")[name] == expected
        assert not isinstance(value, dict) or value.items() <= expected.items()


def test_the_settings_are_seen():
    assert len(SETTINGS) > 40
    assert "training: {accelerator: cpu}" in SETTINGS


def test_keys_that_are_named_alone_exist():
    named = [span for span in SPANS if span.count(".") == 1 and span.split(".")[0] in Settings.model_fields]
    assert named
    for span in named:
        name, key = span.split(".")
        assert key in getattr(Settings(), name).model_dump()


@pytest.mark.parametrize("name", ["published.yaml", "tuned.yaml", "rest.yaml", "reference.yaml"])
def test_files_of_settings_resolve(tmp_path, name):
    assert sorted(settings_files()) == ["published.yaml", "reference.yaml", "rest.yaml", "tuned.yaml"]
    (tmp_path / name).write_text(settings_files()[name])
    main = tmp_path / "config.yaml"
    main.write_text("datasets: {mine: {annotations: {path: list.csv}, videos: videos}}\n")
    config = load_config_files([main, tmp_path / name])
    ((variant, said),) = yaml.safe_load(settings_files()[name])["variants"].items()
    found = resolve(config, "mine", f"resnet34_vtn@{variant}").settings.model_dump(mode="json")
    for section_name, keys in said.items():
        assert keys.items() <= found[section_name].items()
    assert [words for words in commands() if words[-1] == name], "a command uses it"


def test_what_has_no_equal_is_said():
    lines = [cell for _, cell in rows(TABLES[1]) if "no equal" in cell]
    assert len(lines) >= 10
    assert "no equal" in dict(rows(TABLES[1]))["`--dampening`"]
    assert section("Commands").count("snakemake ") >= 8
