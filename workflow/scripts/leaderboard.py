"""Adapter of rule leaderboard for `kinema.leaderboard.board.write_leaderboard`.

By hand: python workflow/scripts/leaderboard.py job.yaml   (keys: output, params, log)
"""

import json
from pathlib import Path

from kinema.job import job_from_argv, running
from kinema.leaderboard.board import write_leaderboard


def run(job):
    with running(job):
        write_leaderboard(
            folder=Path(job.params["folder"]),
            model_names=json.loads(job.params["models"]),
            csv_path=Path(job.output["table"]),
            markdown_path=Path(job.output["readable"]),
            page_path=Path(job.output["page"]),
        )


if __name__ == "__main__":
    run(globals().get("snakemake") or job_from_argv())
