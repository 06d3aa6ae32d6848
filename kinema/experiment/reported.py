"""What lies in results/ and the configuration still knows -> the targets of Snakemake's report.

By hand: python -m kinema.experiment.reported   (`make report` does it)
"""

import sys
from pathlib import Path

from kinema.experiment.config import Config
from kinema.experiment.files import ConfigError, load_config_files
from kinema.experiment.targets import check_target

PATTERNS = ("*/report/index.html", "*/leaderboard.html", "*/*/report/index.html", "*/*/evaluation.json")
NOTHING = "nothing to report: no page and no evaluation in results/ of what is configured; make demo makes some"


def reported(config: Config) -> tuple[list[str], list[str]]:
    """Pages, leaderboards and evaluations in `results/`; and a line for each that is not configured any more."""
    targets, left_out = [], []
    for path in sorted(path for pattern in PATTERNS for path in Path("results").glob(pattern)):
        try:
            check_target(config, path.as_posix())
        except ConfigError as error:
            left_out.append(f"left out of the report: {path}: {error}")
        else:
            targets.append(path.as_posix())
    return targets, left_out


def main() -> None:
    """Print the targets, one a line."""
    try:
        targets, left_out = reported(load_config_files([Path("config/config.yaml")]))
    except ConfigError as error:
        sys.exit(str(error))
    for line in left_out:
        print(line, file=sys.stderr)
    if not targets:
        sys.exit(NOTHING)
    print("\n".join(targets))


if __name__ == "__main__":
    main()
