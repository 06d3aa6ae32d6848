"""What is seen of a training: curves while it runs, its history and its record at the end."""

import pandas as pd
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger

from kinema.experiment.config import Settings
from kinema.files import atomic_path
from kinema.training.run import Trained, TrainingOutputs
from kinema.watching.curves import curve_loggers
from kinema.watching.history import COLUMNS, History
from kinema.watching.record import write_record
from kinema.watching.speed import Speed


class TrainingWatch:
    """Writes the history (CSV) and the record (JSON); curves of the steps go to a folder of the run."""

    def __init__(self, outputs: TrainingOutputs):
        self.outputs = outputs
        self._history = History()

    def callbacks(self) -> list[Callback]:
        """Seconds and memory first: the history has them in its rows."""
        return [Speed(), self._history]

    def loggers(self, run: str, *, step: int, settings: Settings) -> list[Logger]:
        """See `curve_loggers`."""
        return curve_loggers(self.outputs.curves_folder / run, step=step, settings=settings)

    def write(self, trained: Trained) -> None:
        """Write both files."""
        rows = self._history.rows
        with atomic_path(self.outputs.history_path) as temporary:
            pd.DataFrame(rows, columns=None if rows else ["epoch", *COLUMNS]).to_csv(temporary, index=False)
        write_record(self.outputs.record_path, trained, rows)
