"""The folders of a data set's models -> leaderboard.csv, leaderboard.md and leaderboard.html."""

import functools
import logging
from collections.abc import Sequence
from pathlib import Path

from kinema.files import write_text
from kinema.input_error import InputError
from kinema.job import ON_SCREEN
from kinema.leaderboard.candidate import indexed, read_candidate
from kinema.leaderboard.page import as_page
from kinema.leaderboard.rows import ranked_rows
from kinema.leaderboard.scored import choose_reference
from kinema.leaderboard.tables import as_csv, as_markdown
from kinema.leaderboard.told import verdict

log = logging.getLogger(__name__)


def write_leaderboard(
    *, folder: Path, model_names: Sequence[str], csv_path: Path, markdown_path: Path, page_path: Path
) -> None:
    """Compare models whose folders lie in that of their data set, and write the three files.

    Models that were scored on the same videos are ranked; others stand below, with the reason. InputError without any
    model.
    """
    if not model_names:
        raise InputError(
            f"{folder}: no model there has an evaluation.json; list models as `leaderboard` of the data set, or run "
            f"snakemake {folder}/MODEL/evaluation.json first"
        )
    candidates = [read_candidate(folder / name) for name in model_names]
    scored = [candidate.scored for candidate in candidates if candidate.scored]
    reference, outdated = None, None
    if scored:
        reference, outdated = choose_reference(scored, functools.cache(functools.partial(indexed, folder)))
    rows = ranked_rows(candidates, reference)
    write_text(csv_path, as_csv(rows))
    write_text(markdown_path, as_markdown(folder.name, rows, outdated=outdated))
    write_text(page_path, as_page(folder.name, rows, outdated=outdated))
    for row in rows:
        if row.reason:
            log.warning("%s has no rank: %s", row.name, row.reason)
    log.info("%s: %s", markdown_path, " ".join(verdict(rows)), extra=ON_SCREEN)
