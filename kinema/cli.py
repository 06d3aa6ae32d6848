"""The command `kinema`: what is handy beside the workflow. The workflow itself is Snakemake."""

import argparse
import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Any

from kinema.inference.benchmark.command import add_benchmark
from kinema.inference.command import add_predict
from kinema.inference.live_demo.command import add_demo
from kinema.media.remote.address import place
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
LIST_KEYS = ("field", "classes", "fps", "first_frame", "prefix")  # of `annotations`
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
    _add_init_dataset(commands)
    _add_split(commands)
    _add_export_list(commands)
    shown = commands.add_parser("show", help="tell what came out: accuracy, chance, what to mind, what to do next")
    shown.add_argument(
        "paths", nargs="*", type=Path, default=[Path("results")], metavar="PATH", help="results/DATASET[/MODEL[/FILE]]"
    )
    shown.set_defaults(command=_show)
    made = commands.add_parser("made", help="tell which versions made the outputs in a folder, and what differs now")
    made.add_argument("folders", nargs="*", type=Path, default=[Path("results"), Path("prepared")])
    made.set_defaults(command=_made)
    _add_plan(commands)
    _add_models(commands)
    _add_import_checkpoint(commands)
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


def _add_init_dataset(commands) -> None:
    init = commands.add_parser(
        "init-dataset",
        help="write the configuration of a folder-per-class tree, or of a list, and the table with subsets",
    )
    about = (
        "a folder that holds one folder per class, or train, val and test with such folders, or its address, as "
        "s3://bucket/path; or a list that a tool or a data set has, or several: what it is, its content tells"
    )
    init.add_argument("places", nargs="+", type=place, metavar="PLACE", help=about)
    init.add_argument("--name", help="of the data set; default: the folder's name")
    _add_list_options(init)
    _add_split_options(init)
    init.add_argument("--force", action="store_true", help="overwrite the two files")
    init.set_defaults(command=_init_dataset)


def _add_list_options(init: argparse.ArgumentParser) -> None:
    lists = init.add_argument_group("of a list", "docs/adding-a-dataset.md#lists-of-other-tools tells more")
    lists.add_argument(
        "--videos", dest="video_folder", type=place, metavar="FOLDER", help="of the videos, or its address"
    )
    lists.add_argument("--format", metavar="NAME", help="of the list, where it is not the one that its content tells")
    lists.add_argument("--field", metavar="NAME", help="attribute, control, field, tier or column of the labels")
    lists.add_argument("--classes", metavar="FILE", help="names the classes by their numbers")
    lists.add_argument("--fps", type=float, metavar="RATE", help="frame rate by which frames of the list are seconds")
    lists.add_argument("--first-frame", type=int, metavar="0|1", help="number of the first frame of Label Studio (1)")
    lists.add_argument("--prefix", metavar="TEXT", help="in front of the ids of ActivityNet in names of files, as v_")


def _add_split(commands) -> None:
    split = commands.add_parser("split", help="draw the subsets of a table anew, by whole groups")
    split.add_argument(
        "table_path", type=Path, metavar="TABLE", help="CSV, TSV or Parquet with the columns video and label"
    )
    _add_split_options(split)
    split.add_argument(
        "--videos",
        dest="video_folder",
        type=place,
        metavar="FOLDER",
        help="of the videos, or its address; default: that of the data set of this table",
    )
    split.add_argument("--out", type=Path, metavar="FILE", help="write this file instead of TABLE")
    split.set_defaults(command=_split)


def _add_export_list(commands) -> None:
    export = commands.add_parser("export-list", help="write the list of a data set as another toolkit reads it")
    export.add_argument("annotation", type=Path, metavar="JSON", help="results/DATASET/annotation.json")
    export.add_argument("--to", required=True, choices=("fiftyone", "mmaction2"), help="the toolkit")
    export.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="that is written")
    export.add_argument(
        "--videos",
        dest="video_folder",
        type=place,
        metavar="FOLDER",
        help="of the videos, or its address; default: that of the data set",
    )
    export.add_argument(
        "--separator", default=" ", metavar="TEXT", help="between path and label of a plain list; default: a blank"
    )
    export.set_defaults(command=_export_list)


def _add_split_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--val-fraction", type=float, default=0.2, help="part of each class for validation (%(default)s)"
    )
    parser.add_argument(
        "--test-fraction",
        type=float,
        help="part of each class for testing, 0 for none; default: 100 videos, but a tenth to a fifth of all, where "
        "that gives 50 videos or more, 5 a class and 3 groups, and each class has 3 groups; else none",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the split (%(default)s)")
    parser.add_argument(
        "--group",
        metavar="REGEX",
        help="finds the group of a video in its file name, or else in its path below the folder of videos, both "
        "without extension (wave/anna/clip1): the first (...), or all of it; `looks`: of videos that look alike",
    )
    parser.add_argument(
        "--groups", dest="groups_path", type=Path, metavar="FILE", help="table with the columns video and group"
    )


def _add_models(commands) -> None:
    models = commands.add_parser(
        "models", help="print a table of models: parameters, multiply-adds of a clip, deployment"
    )
    models.add_argument("names", nargs="*", metavar="MODEL", help="any model names; default: one of every kind")
    models.add_argument("--frames", type=int, default=16, help="frames of a clip (%(default)s)")
    models.add_argument("--size", type=int, default=224, help="height and width in pixels (%(default)s)")
    models.add_argument("--classes", type=int, default=400, help="number of classes (%(default)s)")
    models.set_defaults(command=_models)


def _add_import_checkpoint(commands) -> None:
    published = commands.add_parser("import-checkpoint", help="turn a .pth of the reference toolkit into a model.pth")
    published.add_argument("file", type=Path)
    published.add_argument("--out", type=Path, help="default: <model name>.pth in the working directory")
    published.add_argument("--labels", type=Path, help="annotation.json, or a text file of one label a line")
    published.add_argument("--model", help="fail unless the file holds this model")
    published.add_argument("--stride", type=int, default=2, help="video frames between frames of a clip (%(default)s)")
    published.add_argument("--size", type=int, default=224, help="input size in pixels (%(default)s)")
    published.add_argument("--mean", type=float, nargs="+", help="of pixel / 255, where it is not the published one")
    published.add_argument("--std", type=float, nargs="+", help="of pixel / 255, where it is not the published one")
    published.set_defaults(command=_import_checkpoint)


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


def _init_dataset(arguments: argparse.Namespace) -> int:
    from kinema.annotations.init import init_dataset
    from kinema.annotations.init_list import init_from_list
    from kinema.annotations.recognise import lists_of

    options = _options(arguments)
    places, of_list = options.pop("places"), {key: options.pop(key) for key in ("video_folder", "format")}
    keys = {key: value for key in LIST_KEYS if (value := options.pop(key)) is not None}
    lists = lists_of(places, format=of_list["format"])
    if lists:
        lines = init_from_list(lists, options=keys, **of_list, **options)
    elif given := [*filter(of_list.get, of_list), *keys]:
        raise ValueError(f"{places[0]}: --{given[0].split('_')[0]} is for lists, and this is a folder of videos")
    else:
        lines = init_dataset(places[0], **options)
    print(*lines, sep="\n")
    return 0


def _split(arguments: argparse.Namespace) -> int:
    from kinema.annotations.redraw import split_table

    print(*split_table(**_options(arguments)), sep="\n")
    return 0


def _export_list(arguments: argparse.Namespace) -> int:
    from kinema.annotations.export_list import export_list

    print(*export_list(**_options(arguments)), sep="\n")
    return 0


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments of a sub-command alone."""
    return {name: value for name, value in vars(arguments).items() if name not in ("subcommand", "command")}


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


def _models(arguments: argparse.Namespace) -> int:
    from kinema.experiment.data_sections import Clip
    from kinema.experiment.model_sections import Network
    from kinema.models.names import EXPORT_OBSTACLES
    from kinema.models.summary import as_table, known_models, summarise

    clip = Clip(length=arguments.frames, size=arguments.size)
    options = {"num_classes": arguments.classes, "clip": clip, "network": Network()}
    rows, refused = [], []
    for name in arguments.names or known_models():
        try:
            rows.append(summarise(name, **options))
        except ValueError as error:
            if arguments.names:
                raise
            refused.append(str(error))
    print(as_table(rows))
    print(f"\nGMACs: billions of multiply-adds of a clip of {clip.length} x {clip.size} x {clip.size}.")
    for row in rows:
        if not row.exportable:
            refused.append(f"{row.model_name} cannot be exported: {EXPORT_OBSTACLES[row.model_name]}.")
    print(*refused, sep="\n")
    return 0


def _import_checkpoint(arguments: argparse.Namespace) -> int:
    from kinema.models.loading.importing import import_checkpoint

    logging.basicConfig(level=logging.WARNING, format="kinema: %(message)s")
    out, model = import_checkpoint(
        arguments.file,
        out=arguments.out,
        labels_path=arguments.labels,
        model_name=arguments.model,
        stride=arguments.stride,
        size=arguments.size,
        mean=arguments.mean,
        std=arguments.std,
    )
    print(f"{out}: {model.name}, {model.num_classes} classes, {model.clip.length} frames, from {arguments.file}")
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
