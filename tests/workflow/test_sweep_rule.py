"""A sweep trains what is new of it, and an experiment is the same wherever it is asked for: there, alone, by Optuna."""

import csv
import os
import subprocess
import sys

import pytest
from project import MODEL, NAME, REPOSITORY, executed

pytestmark = pytest.mark.workflow

SWEEP, CONFIG = f"{MODEL}/sweep-lr/summary.md", "config/config.yaml"
# What the example uses of Optuna, by the same names: it asks for what lies in the middle, then for the highest.
OPTUNA = {
    "__init__.py": """
        from types import SimpleNamespace as Trial
        from optuna import distributions, samplers, trial

        class Study:
            def __init__(self, study_name, direction, sampler, storage, load_if_exists):
                assert direction == "maximize" and sampler.seed == 1 and storage is None
                self.told, self.trials = {}, []

            def ask(self, fixed_distributions):
                ends = [(one.low, one.high) for one in fixed_distributions.values()]
                place = len(self.trials)
                values = [0.001, 0, 0.0] if place == 0 else [high for _, high in ends]
                params = dict(zip(fixed_distributions, values, strict=True))
                self.trials.append(Trial(number=place, params=params))
                return self.trials[-1]

            def tell(self, trial, values=None, state=None):
                assert state is None, "a trial failed"
                self.told[trial.number] = values

            best_value = property(lambda self: max(self.told.values()))
            best_trial = property(lambda self: self.trials[max(self.told, key=self.told.get)])

        def create_study(**options):
            return Study(**options)
        """,
    "distributions.py": """
        class FloatDistribution:
            def __init__(self, low, high, log=False, step=None):
                self.low, self.high = low, high

        class IntDistribution(FloatDistribution):
            pass
        """,
    "samplers.py": """
        class TPESampler:
            def __init__(self, seed):
                self.seed = seed
        """,
    "trial.py": """
        class TrialState:
            FAIL = "fail"

        class FrozenTrial:
            pass

        Trial = FrozenTrial
        """,
}


def test_a_sweep_trains_its_new_combinations_alone(project, tmp_path):
    project.edit(CONFIG, "\nvariants:", "\nsweeps: {lr: {training.lr: [1e-3]}}\nvariants:")
    output = project.snakemake(SWEEP)
    assert executed(output) == {"train", "evaluate", "sweep"}
    assert f"kinema: {SWEEP}: {NAME}@training.lr=0.001 is the best of 1: " in output
    made_at = (project.root / f"{MODEL}@training.lr=0.001/model.pth").stat().st_mtime_ns
    project.edit(CONFIG, "[1e-3]", "[1e-3, 1e-4]")
    assert "training.lr=0.0001" in (output := project.snakemake(SWEEP))
    assert executed(output) == {"train", "evaluate", "sweep"}
    assert (project.root / f"{MODEL}@training.lr=0.001/model.pth").stat().st_mtime_ns == made_at
    rows = list(csv.DictReader((project.root / MODEL / "sweep-lr/summary.csv").open()))
    assert {row["training.lr"] for row in rows} == {"0.001", "0.0001"}
    assert {row["choose_on"] for row in rows} == {"validation"}
    assert project.planned(SWEEP, f"{MODEL}@training.lr=0.001/evaluation.json") == set()
    project.edit(CONFIG, "training.lr: [1e-3, 1e-4]", "training.lrr: [1e-3]")
    output = project.snakemake(SWEEP, check=False)
    assert "config.yaml: sweeps.lr.training.lrr: no setting has this name; did you mean 'training.lr'?" in output


def test_optuna_drives_targets(project, tmp_path):
    (tmp_path / "modules/optuna").mkdir(parents=True)
    for name, text in OPTUNA.items():
        lines = text.splitlines()
        (tmp_path / "modules/optuna" / name).write_text("\n".join(line[8:] for line in lines))
    script = REPOSITORY / "examples/search_with_optuna.py"
    command = [
        sys.executable,
        str(script),
        f"{MODEL}@training.seed=2",
        "--trials",
        "2",
        "--at-once",
        "2",
        "--cores",
        "2",
    ]
    env = {**os.environ, "PYTHONPATH": f"{tmp_path / 'modules'}:{REPOSITORY}"}
    done = subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    names = [
        f"{NAME}@training.freeze_encoder_epochs={epochs}+training.label_smoothing={smoothing}+training.lr={rate}"
        "+training.seed=2"
        for epochs, smoothing, rate in ((0, "0.0", "0.001"), (5, "0.2", "0.01"))
    ]
    for name in names:
        assert (project.root / "results/tiny" / name / "evaluation.json").is_file()
    assert f"the best: results/tiny/{names[0]}" in done.stdout or f"the best: results/tiny/{names[1]}" in done.stdout
    assert "of the validation videos right" in done.stdout
