"""Recipe chosen on the training groups: k-fold cross-validation by group, the validation subset never looked at.

    python benchmarks/cross_validate.py --configfile tests/configs/ut_interaction.yaml ut_interaction \
        efficientnet_lite0_vtn efficientnet_lite0_vtn@recipe2 --folds 4

The clip index must be there (snakemake ... results/<dataset>/clips.parquet). Prints video top-1 of every fold and the
mean for each model or variant; with one seed and a few dozen videos a fold, differences below 0.05 are noise.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kinema.clips.table import VIDEO_SCHEMA, write_clips
from kinema.evaluation.predictors import torch_predictor
from kinema.evaluation.score import evaluation_dataset, score
from kinema.experiment.files import load_config_files
from kinema.experiment.resolve import Experiment, resolve
from kinema.metrics import by_video, topk_accuracy
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.training.run import TrainingInputs, TrainingOutputs, train
from kinema.watching.training import TrainingWatch


def fold_index(clips_path: Path, out: Path, *, fold: int, num_folds: int, experiment: Experiment) -> None:
    """An index of the training videos alone; every `num_folds`-th group becomes the validation subset."""
    rows = pq.read_table(clips_path, filters=[("subset", "=", "training"), ("clip", "=", 0)])
    if rows["group"].null_count == len(rows):
        raise SystemExit(f"{clips_path}: its videos have no groups to fold by")
    held_out = sorted(rows["group"].drop_null().unique().to_pylist())[fold::num_folds]
    subset = pc.if_else(pc.is_in(rows["group"], pa.array(held_out)), "validation", "training")
    videos = rows.set_column(rows.column_names.index("subset"), "subset", subset).select(VIDEO_SCHEMA.names)
    labels = json.loads(rows.schema.metadata[b"labels"])
    write_clips(videos.replace_schema_metadata(), out, labels=labels, clip=experiment.settings.clip)


def fold_accuracy(clips_path: Path, experiment: Experiment, *, fold: int, num_folds: int, threads: int) -> float:
    """Video top-1 on the held-out groups of one fold."""
    with tempfile.TemporaryDirectory() as folder:
        index_path, model_path = Path(folder) / "clips.parquet", Path(folder) / "model.pth"
        fold_index(clips_path, index_path, fold=fold, num_folds=num_folds, experiment=experiment)
        inputs = TrainingInputs(index_path, experiment.model_name, experiment.settings, starts={}, data={}, code="")
        others = {name: Path(folder) / name for name in ("history_path", "record_path", "work_folder", "curves_folder")}
        outputs = TrainingOutputs(model_path, **others)
        train(inputs, outputs, watch=TrainingWatch(outputs), threads=threads)
        trained = load_checkpoint(model_path)
        settings = experiment.settings
        dataset = evaluation_dataset(
            index_path, trained, subset="validation", numbers=settings.clip, views=settings.evaluation
        )
        videos = by_video(score(torch_predictor(trained.model), dataset, batch_size=8))
        return topk_accuracy(videos.probabilities, videos.labels, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("models", nargs="+", help="ENCODER_DECODER, optionally @variant")
    parser.add_argument("--configfile", type=Path, action="append", default=[])
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    config = load_config_files([Path("config/config.yaml"), *arguments.configfile])
    clips_path = Path(f"results/{arguments.dataset}/clips.parquet")
    for name in arguments.models:
        started_at = time.monotonic()
        experiment = resolve(config, arguments.dataset, name)
        folds = [
            fold_accuracy(clips_path, experiment, fold=fold, num_folds=arguments.folds, threads=arguments.threads)
            for fold in range(arguments.folds)
        ]
        text = " ".join(f"{accuracy:.3f}" for accuracy in folds)
        seconds = (time.monotonic() - started_at) / arguments.folds
        print(f"{name}: {text}   mean {np.mean(folds):.3f}, {seconds:.0f} s a fold", flush=True)


if __name__ == "__main__":
    main()
