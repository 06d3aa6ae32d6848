"""The configuration tree -> the table of keys in config/README.md, so that the page cannot drift from the code."""

import json
import types
from collections.abc import Collection, Iterator
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from kinema.experiment.config import Config, Dataset, Override, Settings
from kinema.experiment.data_sections import Annotations
from kinema.experiment.section import Section
from kinema.experiment.sweep_section import Range, Sweep
from kinema.generated import renewed

BOUNDS = {Ge: ("ge", ">="), Gt: ("gt", ">"), Le: ("le", "<="), Lt: ("lt", "<")}
PAGES: tuple[tuple[str, type[Section]], ...] = (
    ("Top level of config.yaml", Config),
    ("A data set: config/datasets/NAME.yaml, or `datasets.NAME`", Dataset),
    ("`annotations` of a data set", Annotations),
    ("An entry of `overrides`", Override),
    ("A sweep: `sweeps.NAME`, beside its settings such as `training.lr`", Sweep),
    ("A range that a sweep draws from", Range),
)


def reference() -> str:
    """Markdown tables of every key: what it takes, its default, its meaning."""
    sections = Settings.model_fields
    pages = [_page(title, _rows(section, skip=set(sections))) for title, section in PAGES]
    others = [(name, Config.model_fields[name]) for name in ("media", "crossval", "demo")]
    shared = [*others, *sections.items()]
    pages += [_page(f"`{name}`", _rows(kind)) for each, field in shared for name, kind in _nested(each, field)]
    return "\n\n".join(pages)


def with_reference(page: str) -> str:
    """A Markdown page with its generated part renewed; ValueError where the markers are missing."""
    return renewed(page, "kinema config-reference", reference())


def _page(title: str, rows: Iterator[str]) -> str:
    return "\n".join([f"### {title}", "", "| key | takes | default | meaning |", "|---|---|---|---|", *rows])


def _nested(name: str, field: FieldInfo) -> Iterator[tuple[str, Any]]:
    """A section, and those in it."""
    yield name, field.annotation
    for key, inner in getattr(field.annotation, "model_fields", {}).items():
        if isinstance(inner.annotation, type) and issubclass(inner.annotation, Section):
            yield from _nested(f"{name}.{key}", inner)


def _rows(section: Any, *, skip: Collection[str] = ()) -> Iterator[str]:
    for key, field in section.model_fields.items():
        if key not in skip:
            text = (field.description or "").replace("|", "\\|")
            yield f"| `{key}` | {_takes(field)} | {_default(field)} | {text} |"


def _takes(field: FieldInfo) -> str:
    limits = [
        f"{sign} {getattr(bound, name)}"
        for bound in field.metadata
        for kind, (name, sign) in BOUNDS.items()
        if isinstance(bound, kind)
    ]
    return ", ".join([_type(field.annotation), *limits]).replace("|", "\\|")


def _type(annotation: Any) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in args)
    if origin in (Union, types.UnionType):
        return " or ".join("null" if arg is type(None) else _type(arg) for arg in args)
    if origin is tuple:
        return f"list of {_type(args[0])}" if args[-1] is Ellipsis else "[low, high]"
    if origin is dict:
        return f"mapping of names to {_type(args[1])}"
    if origin is list:
        return f"list of {_type(args[0])}"
    if hasattr(annotation, "__metadata__"):
        return _type(args[0])
    names = {str: "text", int: "integer", float: "number", bool: "true or false"}
    return names.get(annotation, "section")


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "required" if field.is_required() else "see there" if _type(field.annotation) == "section" else "empty"
    return f"`{json.dumps(value)}`"
