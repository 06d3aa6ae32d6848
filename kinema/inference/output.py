"""Rows of an output -> a file, by its ending, or the terminal, as they come: none of them is held but for a table.

A file is there whole or not at all, and one that is there already is replaced when all is done.
"""

import argparse
import contextlib
import csv
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TextIO

from kinema.files import atomic_path, write_text
from kinema.inference.rows import NONE, TIMELINE_COLUMNS, VIDEO_COLUMNS, Row
from kinema.inference.tracks import TRACKS
from kinema.words import missing_package

Write = Callable[[list[Row]], None]
Writer = Callable[[int], AbstractContextManager[Write]]
"""Takes the number of classes of a row, opens what is written, and gives what takes the rows of a video."""
ROWS = ("json", "jsonl", "csv", "parquet")
STDOUT = "-"
ROW_GROUP = 1000


def writer_of(arguments: argparse.Namespace, *, num_videos: int) -> Writer:
    """For the options of `kinema predict`; ValueError, before any work is done, where that cannot be written."""
    columns = TIMELINE_COLUMNS if arguments.timeline else VIDEO_COLUMNS
    output, allowed = arguments.output, (*ROWS, *TRACKS) if arguments.timeline else ROWS
    if output is None:
        if arguments.format:
            raise ValueError("--format is of --output; give both, or none")
        return _to_screen(columns)
    kind = arguments.format or ("jsonl" if output == STDOUT else Path(output).suffix.removeprefix(".").lower())
    if kind not in allowed:
        what = f"--format {arguments.format}" if arguments.format else f"--output {output}"
        other = "; subtitles and tracks are for --timeline" if kind in TRACKS else ""
        raise ValueError(f"{what}: expected a file that ends in {', '.join(f'.{one}' for one in allowed)}{other}")
    if kind == "parquet":
        _check_parquet(output)
        return lambda num_top: _parquet(Path(output), columns)
    if kind in TRACKS:
        if num_videos > 1:
            raise ValueError(f"{output}: .{kind} is of one video, and there are {num_videos}; choose .csv or .json")
        return lambda num_top: _track(output, kind)
    as_text = {"json": _json, "jsonl": _json_lines, "csv": _csv}[kind]
    return lambda num_top: _text(output, lambda file: as_text(file, columns, num_top))


def _check_parquet(output: str) -> None:
    if output == STDOUT:
        raise ValueError("--output -: Parquet is not written to the standard output; choose --format jsonl or csv")
    try:
        importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        text = missing_package(output, "pyarrow", "train")
        raise ValueError(f"{text}; `pip install pyarrow` is enough") from None


@contextlib.contextmanager
def _text(output: str, rows: Callable[[TextIO], AbstractContextManager[Write]]) -> Iterator[Write]:
    if output == STDOUT:
        with rows(sys.stdout) as write:
            yield write
        return
    with (
        atomic_path(Path(output)) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
        rows(file) as write,
    ):
        yield write


@contextlib.contextmanager
def _json_lines(file: TextIO, columns: tuple[str, ...], num_top: int) -> Iterator[Write]:
    def write(rows: list[Row]) -> None:
        file.writelines(f"{_as_json(row, columns)}\n" for row in rows)
        file.flush()  # whoever reads the other end of a pipe waits for it

    yield write


@contextlib.contextmanager
def _json(file: TextIO, columns: tuple[str, ...], num_top: int) -> Iterator[Write]:
    separators = iter(["[\n"])

    def write(rows: list[Row]) -> None:
        for row in rows:
            file.write(f"{next(separators, ',' + chr(10))}{_as_json(row, columns)}")

    yield write
    file.write(f"{next(separators, '')}\n]\n")


@contextlib.contextmanager
def _csv(file: TextIO, columns: tuple[str, ...], num_top: int) -> Iterator[Write]:
    others = [f"{name}_{rank}" for rank in range(2, num_top + 1) for name in ("label", "probability")]
    names = [*(name for name in columns if name != "top"), *(others if "top" in columns else [])]
    table = csv.DictWriter(file, names, restval="", extrasaction="ignore")
    table.writeheader()

    def write(rows: list[Row]) -> None:
        for row in rows:
            table.writerow(_flat(row))
        file.flush()

    yield write


def _flat(row: Row) -> Row:
    flat = {name: value for name, value in row.items() if name != "top"}
    if row["status"] == "ok":
        flat["answer"] = NONE if row["answer"] is None else row["answer"]
    for rank, one in enumerate(row.get("top") or [], start=1):
        flat |= {f"label_{rank}": one["label"], f"probability_{rank}": one["probability"]}
    return flat


def _as_json(row: Row, columns: tuple[str, ...]) -> str:
    return json.dumps(dict.fromkeys(columns) | row, ensure_ascii=False, allow_nan=False)


@contextlib.contextmanager
def _parquet(path: Path, columns: tuple[str, ...]) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    classes = pa.list_(pa.struct([("label", pa.string()), ("probability", pa.float64())]))
    types = dict.fromkeys(("video", "status", "reason", "answer", "label"), pa.string())
    types |= {"clip": pa.int32(), "top": classes}
    schema = pa.schema([(name, types.get(name, pa.float64())) for name in columns])
    waiting: list[Row] = []
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema) as file:

        def flush() -> None:
            file.write_table(pa.Table.from_pylist(waiting, schema=schema))
            waiting.clear()

        def write(rows: list[Row]) -> None:
            waiting.extend(rows)
            if len(waiting) >= ROW_GROUP:
                flush()

        yield write
        flush()


@contextlib.contextmanager
def _track(output: str, kind: str) -> Iterator[Write]:
    found: list[Row] = []
    yield found.extend
    if any(row["status"] == "failed" for row in found):
        return
    text = TRACKS[kind](found)
    if output == STDOUT:
        print(text, end="")
    else:
        write_text(Path(output), text)


def _to_screen(columns: tuple[str, ...]) -> Writer:
    from kinema.inference import screen

    is_timeline = columns is TIMELINE_COLUMNS
    if sys.stdout.isatty():
        return lambda num_top: screen.table(is_timeline=is_timeline)
    return lambda num_top: screen.lines(is_timeline=is_timeline)
