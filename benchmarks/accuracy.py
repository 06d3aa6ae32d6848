"""Accuracy of models on a data set over several seeds, and how long their training waited for data.

    python benchmarks/accuracy.py --configfile tests/configs/ut_interaction.yaml ut_interaction efficientnet_lite0_vtn

Makes results/<dataset>/<model>{,@seed2,@seed3}/evaluation.json by the workflow; the file of settings has the variants
`seed2` and `seed3`. Two models are trained side by side, with half of the cores each.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from kinema.records.evaluation import Evaluation

SEEDS = ("", "@seed2", "@seed3")


def make(targets: list[str], configfile: Path) -> None:
    """The evaluations, by the workflow."""
    cores = os.cpu_count() or 1
    threads = [f"{rule}={max(1, cores // 2)}" for rule in ("train", "evaluate")]
    options = [
        "--cores",
        str(cores),
        "--set-threads",
        *threads,
        "--configfile",
        str(configfile),
    ]
    subprocess.run([sys.executable, "-m", "snakemake", *targets, *options], check=True)


def waiting(curve: pd.DataFrame) -> float:
    """Part of the training steps' time that was spent waiting for a batch."""
    return float(curve["data_seconds"].sum() / (curve["data_seconds"] + curve["step_seconds"]).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--configfile", type=Path, required=True)
    arguments = parser.parse_args()
    folders = {
        model: [Path(f"results/{arguments.dataset}/{model}{seed}") for seed in SEEDS] for model in arguments.models
    }
    make([f"{folder}/evaluation.json" for group in folders.values() for folder in group], arguments.configfile)
    for model, group in folders.items():
        scores = [Evaluation.read(folder / "evaluation.json").scores.video_top1 for folder in group]
        curves = pd.concat(pd.read_csv(folder / "training.csv") for folder in group)
        text = " ".join(f"{score:.3f}" for score in scores)
        # two-stream models are made of trained ones
        waits = f", {waiting(curves):.3f} of the training spent waiting for data" if len(curves) else ""
        print(f"{model}: video top-1 {text}, mean {np.mean(scores):.3f}{waits}", flush=True)


if __name__ == "__main__":
    main()
