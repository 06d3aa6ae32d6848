"""The classes of records -> the tables of keys in docs/records.md, so that the page cannot drift from the code.

By hand: python -m kinema.records.reference docs/records.md   (`make docs` does it)
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from kinema.generated import renewed
from kinema.records.benchmark import Benchmark
from kinema.records.calibration import CalibrationFile
from kinema.records.crossval import CrossValidation
from kinema.records.dataset_report import DatasetReport
from kinema.records.evaluation import Evaluation
from kinema.records.look_alikes import LookAlikes
from kinema.records.parity import Parity
from kinema.records.quantization import Quantization
from kinema.records.record import KEY, Record
from kinema.records.training import Training
from kinema.records.verification import Verification
from kinema.records.weights import Weights

RECORDS: dict[str, type[Record]] = {
    "dataset_report.json": DatasetReport,
    "look_alikes.json": LookAlikes,
    "training.json": Training,
    "evaluation.json": Evaluation,
    "calibration.json": CalibrationFile,
    "parity.json": Parity,
    "verification.json": Verification,
    "benchmark.json": Benchmark,
    "summary.json": CrossValidation,
    "quantization.json": Quantization,
    "weights.json": Weights,
}
WORDS = {str: "text", int: "integer", float: "number", bool: "true or false", NoneType: "null", Any: "anything"}


def reference() -> str:
    """Markdown tables of every key of every record: its type, unit and meaning."""
    seen: list[type] = []
    sections = []
    for name, record in RECORDS.items():
        version = f"| `{KEY}` | integer | | Version of this record: {record.VERSION}. |"
        sections.append(_section(f"## {name}", record, version))
        for part in parts_of(record):
            if part not in seen:
                seen.append(part)
                sections.append(_section(f"### {part.__name__}", part))
    return "\n\n".join(sections)


def with_reference(page: str) -> str:
    """The page with its generated part renewed; ValueError where the markers are missing."""
    return renewed(page, "python -m kinema.records.reference", reference())


def field_types(kind: Any) -> dict[str, Any]:
    """The types of the fields of a dataclass."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def field_texts(kind: type) -> dict[str, str]:
    """The texts behind the fields of a dataclass, of the classes that it inherits from as well."""
    texts = {}
    for owner in (each for each in reversed(kind.__mro__) if is_dataclass(each)):
        (tree,) = ast.parse(inspect.getsource(owner)).body
        assert isinstance(tree, ast.ClassDef)
        for line, text in zip(tree.body, tree.body[1:], strict=False):
            match line, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(found))):
                    texts[name] = " ".join(found.split())
    return texts


def _section(heading: str, kind: type, *rows: str) -> str:
    text = inspect.cleandoc(kind.__doc__ or "")
    return "\n".join(
        [heading, "", text, "", "| key | type | unit | meaning |", "|---|---|---|---|", *rows, *_rows(kind)]
    )


def _rows(kind: Any) -> Iterator[str]:
    texts = field_texts(kind)
    for name, hint in field_types(kind).items():
        unit, meaning = re.fullmatch(r"(?:\[(.+?)\] )?(.*)", texts[name]).groups("")  # type: ignore[union-attr]
        yield f"| `{name}` | {in_words(hint)} | {unit} | {meaning} |".replace("|  |", "| |")


def in_words(hint: Any) -> str:
    """A type of JSON, with a link where it is an object that has a table of its own."""
    if is_dataclass(hint):
        name = getattr(hint, "__name__", "")
        return f"[{name}](#{name.lower()})"
    arguments = get_args(hint)
    if get_origin(hint) is list:
        return f"list of {in_words(arguments[0])}"
    if get_origin(hint) is dict:
        return f"object of {in_words(arguments[1])}"
    return " or ".join(map(in_words, arguments)) if arguments else WORDS[hint]


def parts_of(kind: Any) -> Iterator[type]:
    """The dataclasses in the fields of a record, each before those in it."""
    for hint in field_types(kind).values():
        while not is_dataclass(hint) and get_args(hint):
            hint = next((part for part in get_args(hint) if is_dataclass(part)), get_args(hint)[-1])
        if is_dataclass(hint) and isinstance(hint, type):
            yield hint
            yield from parts_of(hint)


if __name__ == "__main__":
    page_path = Path(sys.argv[1])
    page_path.write_text(with_reference(page_path.read_text(encoding="utf-8")), encoding="utf-8")
