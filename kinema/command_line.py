"""What a user gave to `snakemake`, for the Snakefile, which is read before Snakemake tells it."""

from argparse import ArgumentError, Namespace
from collections.abc import Sequence

from snakemake.cli import get_argument_parser


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
