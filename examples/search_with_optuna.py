"""Optuna chooses settings of a model, and Snakemake trains and scores each choice.

    pip install optuna
    python examples/search_with_optuna.py results/mine/efficientnet_lite0_vtn --trials 20 --at-once 2

Run it in the project's folder; what it does not know is handed to Snakemake, such as `--workflow-profile
profiles/slurm`. A trial is a target as any other, with its settings in its name, such as
results/mine/efficientnet_lite0_vtn@training.lr=0.001/evaluation.json. So it shares frames and index with all models, a
killed one goes on, and what was trained before, by this study, a sweep or hand, is not trained again. What Optuna is
told is the accuracy on the validation videos; testing videos have no say.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import Trial, TrialState

from kinema.experiment.assigned import checked, joined, read_assigned, split_assigned
from kinema.models.model_name import split_variant
from kinema.records.evaluation import Evaluation

SPACE = {
    "training.lr": FloatDistribution(1e-5, 1e-2, log=True),
    "training.freeze_encoder_epochs": IntDistribution(0, 5),
    "training.label_smoothing": FloatDistribution(0.0, 0.2, step=0.05),
}


def main() -> None:
    """Search, and print the best."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path, help="results/DATASET/MODEL, with a variant or without")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=1, help="trials of one command, which run side by side")
    parser.add_argument("--seed", type=int, default=1, help="of the search")
    parser.add_argument("--storage", help="where Optuna keeps the study, as sqlite:///optuna.db; else nowhere")
    args, of_snakemake = parser.parse_known_args()
    study = optuna.create_study(
        study_name=args.model.as_posix(),
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=args.seed),
        storage=args.storage,
        load_if_exists=True,
    )
    for done in range(0, args.trials, args.at_once):
        trials = [study.ask(SPACE) for _ in range(min(args.at_once, args.trials - done))]
        run_trials(study, trials, args.model, of_snakemake)
    print(f"the best: {folder_of(args.model, study.best_trial)}, {study.best_value:.3f} of the validation videos right")


def run_trials(study: optuna.Study, trials: Sequence[Trial], model: Path, of_snakemake: Sequence[str]) -> None:
    """Train and score trials in one command, and tell the study what came out of each."""
    targets = {trial.number: folder_of(model, trial) / "evaluation.json" for trial in trials}
    command = [sys.executable, "-m", "snakemake", *map(str, targets.values()), "--keep-going", *of_snakemake]
    done = subprocess.run([*command, *([] if of_snakemake else ["--cores", "all"])])
    for trial in trials:
        path = targets[trial.number]
        if path.is_file():
            subsets = Evaluation.read(path).subsets
            if "validation" not in subsets:
                sys.exit(
                    f"{path}: has no scores of validation videos, which are to choose; give some videos that subset"
                )
            study.tell(trial, subsets["validation"].video_top1)
        else:
            study.tell(trial, state=TrialState.FAIL)
    if done.returncode and not any(path.is_file() for path in targets.values()):
        sys.exit("none of these trials came to an end; see what Snakemake says above")


def folder_of(model: Path, trial: Trial | optuna.trial.FrozenTrial) -> Path:
    """The folder of the model with the settings of a trial, to three digits, as they are to stand in its name."""
    values = {key: float(f"{value:.3g}") if isinstance(value, float) else value for key, value in trial.params.items()}
    base, variant = split_variant(model.name)
    named, own = split_assigned(variant) if variant is not None else (None, {})
    settings = read_assigned(own) | {key: checked(key, value) for key, value in values.items()}
    return model.with_name(f"{base}@{joined(named, settings)}")


if __name__ == "__main__":
    main()
