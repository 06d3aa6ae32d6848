"""A running training -> curves to watch: TensorBoard events, and a CSV file with a row every few steps."""

from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from kinema.experiment.config import Settings


def curve_loggers(folder: Path, *, step: int, settings: Settings) -> list[Logger]:
    """Loggers of one run, into `folder`; a run that goes on from a resume point starts at its `step`.

    TensorBoard then drops what an interrupted run logged behind that step. The CSV file of a resumed run is one more,
    `from_step_<step>/metrics.csv`. `hparams.yaml` says which experiment this is.
    """
    events = TensorBoardLogger(folder.parent, name="", version=folder.name, default_hp_metric=False, purge_step=step)
    events.log_hyperparams(settings.model_dump(mode="json"))
    return [events, CSVLogger(folder, name="", version=f"from_step_{step:09d}")]
