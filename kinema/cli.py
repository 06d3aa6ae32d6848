"""The command `kinema`: what is handy beside the workflow. The workflow itself is Snakemake."""

import argparse
import contextlib
import logging
import os
import sys
from pathlib import Path

from kinema.annotations.command import add_annotation_commands
from kinema.inference.benchmark.command import add_benchmark
from kinema.inference.command import add_predict
from kinema.inference.live_demo.command import add_demo
from kinema.models.command import add_model_commands
from kinema.words import missing_package

# What `pip install kinema` alone does not bring, by sub-command. The others run with the client's packages.
EXTRAS = {
    **dict.fromkeys(
        ("experiment", "config-reference", "init-dataset", "split", "export-list", "made", "check", "plan"), "workflow"
    ),
    **dict.fromkeys(("models", "import-checkpoint"), "train"),
}
PLAN_HELP = """usage: kinema plan [ARGUMENT ...]

Tells what `snakemake ARGUMENT ...` would do, and does nothing: stages, jobs, what is kept, how long it takes by the
times of earlier runs, and why. It takes what a run takes: targets, --configfile, --config, --forcerun, --profile.
Without a target it tells of the demo.
"""
OF_TRAIN = ("torch", "timm")  # what `--group looks` needs


def main(argv: list[str] | None = None) -> int:
    """Run a sub-command; what the user got wrong is one line on stderr and exit status 2."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["plan"]:  # all that follows is Snakemake's, a `--` too
        arguments = _parser().parse_args(argv[:1])
        arguments.arguments = argv[1:]
    else:
        arguments = _parser().parse_args(argv)
    try:
        return arguments.command(arguments)
    except ValueError as error:
        print(f"kinema: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads the output has seen enough, as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        # of the system, else the message is ours
        text = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error
        print(f"kinema: {text}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if arguments.subcommand not in EXTRAS or (error.name or "kinema").split(".")[0] == "kinema":
            raise
        is_training = (error.name or "").split(".")[0] in OF_TRAIN
        extra = "train" if is_training else EXTRAS[arguments.subcommand]
        text = missing_package(f"`kinema {arguments.subcommand}`", error.name, extra)
        print(f"kinema: {text}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kinema", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="subcommand")
    add_predict(commands)
    add_demo(commands)
    add_benchmark(commands)
    experiment = commands.add_parser("experiment", help="print the resolved settings behind results/DATASET/MODEL")
    experiment.add_argument("dataset")
    experiment.add_argument("model", help="a model name, optionally with @variant")
    experiment.add_argument("--configfile", type=Path, action="append", default=[], help="laid over config/config.yaml")
    experiment.set_defaults(command=_experiment)
    reference = commands.add_parser("config-reference", help="print the table of all configuration keys")
    reference.add_argument("--write", type=Path, metavar="PAGE", help="renew the generated part of this page instead")
    reference.set_defaults(command=_config_reference)
    add_annotation_commands(commands)
    shown = commands.add_parser("show", help="tell what came out: accuracy, chance, what to mind, what to do next")
    shown.add_argument(
        "paths", nargs="*", type=Path, default=[Path("results")], metavar="PATH", help="results/DATASET[/MODEL[/FILE]]"
    )
    shown.set_defaults(command=_show)
    made = commands.add_parser("made", help="tell which versions made the outputs in a folder, and what differs now")
    made.add_argument("folders", nargs="*", type=Path, default=[Path("results"), Path("prepared")])
    made.set_defaults(command=_made)
    _add_plan(commands)
    add_model_commands(commands)
    check = commands.add_parser(
        "check", help="compare stored frames with what was written; exit status 1 if they differ"
    )
    check.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="prepared/CORPUS/RECIPE, or tables of shards"
    )
    check.set_defaults(command=_check)
    return parser


def _add_plan(commands) -> None:
    plan = commands.add_parser(
        "plan",
        help="tell what `snakemake` with these arguments would do: stages, jobs, why, what is kept, how long",
        usage="kinema plan [ARGUMENT ...]",
    )
    plan.set_defaults(command=_plan)


def _experiment(arguments: argparse.Namespace) -> int:
    from kinema.experiment.files import load_config_files
    from kinema.experiment.layers import as_lines
    from kinema.experiment.resolve import resolve

    config = load_config_files([Path("config/config.yaml"), *arguments.configfile])
    found = resolve(config, arguments.dataset, arguments.model)
    print(f"# results/{found.dataset}/{arguments.model}: {found.model_name}")
    for line in as_lines(found.settings, found.patches):
        print(line)
    return 0


def _config_reference(arguments: argparse.Namespace) -> int:
    from kinema.experiment.reference import reference, with_reference

    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        arguments.write.write_text(with_reference(page), encoding="utf-8")
    else:
        print(reference())
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from kinema.outcome.show import show

    is_whole = True
    for number, path in enumerate(arguments.paths):
        lines, could_be_read = show(path)
        print(*([""] if number else []), *lines, sep="\n")
        is_whole &= could_be_read
    return 0 if is_whole else 1


def _plan(arguments: argparse.Namespace) -> int:
    from kinema.dry_run.snakemake import dry_run
    from kinema.dry_run.table import as_lines

    if {"-h", "--help"} & set(arguments.arguments):
        print(PLAN_HELP)
        sys.exit(0)
    found = dry_run(arguments.arguments)
    for warning in found.warnings:
        print(warning, file=sys.stderr)
    with contextlib.chdir(found.folder):
        print(*as_lines(found), sep="\n")
    return 0


def _made(arguments: argparse.Namespace) -> int:
    from kinema.experiment.files import load_config_files
    from kinema.made import as_lines, ffmpeg_of, made_below, versions

    main = Path("config/config.yaml")
    now = versions() | ffmpeg_of(load_config_files([main]).ffmpeg if main.is_file() else None)
    for folder in arguments.folders:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: no such folder; give one with outputs, such as results/DATASET/MODEL")
        for line in as_lines(made_below(folder), now):
            print(line)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from kinema.job import progress
    from kinema.media.check import check_table, find_tables, num_videos, unwritten

    logging.basicConfig(level=logging.INFO, format="kinema: %(message)s")
    tables = find_tables(arguments.paths)
    checked = (problem for table in tables for problem in check_table(table))
    shown = progress(checked, description="checking frames", total=num_videos(tables))
    problems = [*unwritten(tables), *filter(None, shown)]
    # at the end, since a progress bar would be in the way
    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"{len(tables)} shards: {len(problems) or 'no'} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
