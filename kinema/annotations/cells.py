"""Columns of a table, of whatever type -> text; durations become seconds."""

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def read_parquet(file: Path) -> pa.Table:
    """A Parquet table; categories of durations are durations, which pyarrow itself gives as plain numbers."""
    table = pq.read_table(file, partitioning=None)  # a folder called a=b is no column
    written = (pq.read_metadata(file).metadata or {}).get(b"ARROW:schema")
    for field in pa.ipc.read_schema(pa.py_buffer(base64.b64decode(written))) if written else ():
        position = table.schema.get_field_index(field.name)
        if position >= 0 and pt.is_dictionary(field.type) and pt.is_integer(table.schema.field(position).type):
            column = table.column(position).cast(field.type.value_type)
            table = table.set_column(position, field.name, column)
    return table


def as_text_column(column: pa.ChunkedArray, *, unit: str | None) -> pa.ChunkedArray:
    """The cells as text, null where there is none; `unit` is what the numbers of the column count, None for no numbers.

    ValueError says what the cells are that are no text and no number.
    """
    if pt.is_dictionary(column.type):
        column = pa.chunked_array([part.dictionary_decode() for part in column.chunks], column.type.value_type)
    kind = column.type
    if pt.is_duration(kind) or pt.is_time(kind):
        column = _seconds(column, unit)
    elif unit and (pt.is_timestamp(kind) or pt.is_date(kind) or pt.is_boolean(kind)):
        raise ValueError(f"it holds {_plain(kind)}; expected numbers of {unit}")
    try:
        text = column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"it does not hold text or numbers ({' '.join(str(error).split())})") from None
    if pc.any(pc.match_substring(text, "\0")).as_py():
        raise ValueError("a cell holds a NUL character, which no name and no label has")
    return text


def _seconds(column: pa.ChunkedArray, unit: str | None) -> pa.ChunkedArray:
    if unit is None:
        raise ValueError(f"it holds {_plain(column.type)}; expected text")
    if unit != "seconds":
        raise ValueError(
            f"it holds {_plain(column.type)}, while unit: {unit} counts {unit} from 0; "
            "write whole numbers, or set unit: seconds"
        )
    whole = column.cast(pa.int32() if pt.is_time32(column.type) else pa.int64())
    return pc.divide(whole.cast(pa.float64(), safe=False), PER_SECOND[column.type.unit])


def _plain(kind: pa.DataType) -> str:
    words = {pt.is_duration: "durations", pt.is_time: "times", pt.is_boolean: "true and false"}
    return f"{next((name for fits, name in words.items() if fits(kind)), 'points in time')} ({kind})"
