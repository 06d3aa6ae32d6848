"""What is seen of a training: curves while it runs, its history and its record at the end."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger

from kinema.config import Settings
from kinema.files import atomic_path
from kinema.training.run import Trained
from kinema.watching.curves import curve_loggers
from kinema.watching.history import COLUMNS, History
from kinema.watching.record import write_record
from kinema.watching.speed import Speed


class TrainingWatch:
    """Writes the curve `history` (CSV) and the record (JSON); curves of the steps go to `logs/<fingerprint>/`."""

    def __init__(self, history: Path, record: Path, *, logs: Path):
        self.outputs: Sequence[Path] = (history, record)
        self.logs = logs
        self._history = History()

    def callbacks(self) -> list[Callback]:
        """Seconds and memory first: the history has them in its rows."""
        return [Speed(), self._history]

    def loggers(self, run: str, *, step: int, settings: Settings) -> list[Logger]:
        """See `curve_loggers`."""
        return curve_loggers(self.logs / run, step=step, settings=settings)

    def write(self, trained: Trained) -> None:
        """Write both files."""
        history, record = self.outputs
        rows = self._history.rows
        with atomic_path(history) as temporary:
            pd.DataFrame(rows, columns=None if rows else ["epoch", *COLUMNS]).to_csv(temporary, index=False)
        write_record(record, trained, rows)
