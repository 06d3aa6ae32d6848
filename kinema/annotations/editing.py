"""A table with some columns replaced: every other column and row, the kind of file and its line ends stay."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kinema.annotations.rows import separator_of
from kinema.annotations.text_files import PACKED, read_utf8
from kinema.files import atomic_path

BOM = "\ufeff"


def write_columns(file: Path, whole: pa.Table, columns: Mapping[str, Sequence[str | None]], out: Path) -> None:
    """Write `file`, read as `whole` by `read_whole`, to `out`, with these columns in the place of its own, or added.

    ValueError where `out` is another kind of file than `file`.
    """
    if _kind(out) != _kind(file):
        raise ValueError(f"{out}: expected a name that ends in {''.join(_kind(file))}, as {file} does")
    for name, cells in columns.items():
        whole = _replaced(whole, name, pa.array(cells, pa.string()))
    with atomic_path(out) as temporary:
        if file.suffix.lower() == ".parquet":
            pq.write_table(whole, temporary)
            return
        with pa.output_stream(str(temporary), compression="detect") as stream:
            stream.write(_as_text(file, whole).encode())


def _kind(file: Path) -> list[str]:
    """The endings of a file's name that say how it is written."""
    endings = [suffix.lower() for suffix in file.suffixes[-2:]]
    return endings if endings[-1:] and endings[-1] in PACKED else endings[-1:]


def _replaced(table: pa.Table, name: str, cells: pa.Array) -> pa.Table:
    names = [str(column).strip() for column in table.column_names]
    if name not in names:
        return table.append_column(name, cells)
    position = names.index(name)
    return table.set_column(position, table.column_names[position], cells)


def _as_text(file: Path, table: pa.Table) -> str:
    """CSV or TSV with the byte order mark and the line ends of the file; a row of empty cells is an empty line."""
    content = read_utf8(file).decode()
    head = content.partition("\n")[0]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator_of(file), lineterminator="\r\n" if head.endswith("\r") else "\n")
    writer.writerow(table.column_names)
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        writer.writerow(row if any(cell is not None for cell in row) else [])
    return (BOM if content.startswith(BOM) else "") + out.getvalue()
