"""What a user gave to `snakemake`, for the Snakefile, which is read before Snakemake tells it."""

import io
from argparse import ArgumentError, Namespace
from collections.abc import Sequence
from contextlib import redirect_stderr

from snakemake.cli import get_argument_parser, parse_args


def snakemake_arguments(argv: Sequence[str]) -> Namespace:
    """The arguments as Snakemake's own parser reads them: `targets`, `touch`, `cleanup_metadata` and the others.

    What a profile adds is not among them. Arguments that are not Snakemake's, where a program of its own reads the
    Snakefile, are left out.
    """
    parser = get_argument_parser()
    parser.exit_on_error = False
    try:
        return parser.parse_known_args(list(argv))[0]
    except ArgumentError:
        return parser.parse_known_args([])[0]


def runs_here(argv: Sequence[str]) -> bool:
    """Whether Snakemake, given these arguments, runs jobs on this machine; profiles count.

    False where that is unclear, and in a process that Snakemake itself has started to run a job.
    """
    try:
        with redirect_stderr(io.StringIO()):
            arguments = parse_args(list(argv))[1]
    except (SystemExit, Exception):  # what it cannot read it tells later
        return False
    return arguments.mode.name == "DEFAULT" and arguments.executor in (None, "local")
