"""`kinema init-dataset`, `split` and `export-list`: what they take. What is heavy is imported when it is needed."""

import argparse
from pathlib import Path
from typing import Any

from kinema.media.remote.address import place

LIST_KEYS = ("field", "classes", "fps", "first_frame", "prefix")  # of `annotations`


def add_annotation_commands(commands: Any) -> None:
    """Add the sub-commands to those of an argument parser."""
    _add_init_dataset(commands)
    _add_split(commands)
    _add_export_list(commands)


def _add_init_dataset(commands: Any) -> None:
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


def _add_split(commands: Any) -> None:
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


def _add_export_list(commands: Any) -> None:
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
        option = {"video_folder": "videos", "first_frame": "first-frame"}.get(given[0], given[0])
        raise ValueError(f"{places[0]}: --{option} is for lists, and this is a folder of videos")
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
