"""A job -> why it is to run, in a few words."""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kinema.dry_run.jobs import Job
from kinema.known_code import changed_modules, remembered
from kinema.snakemake_folder import FAILURES

NEW, FORCED = "not made yet", "forced"
SHOWN = 4  # names, settings or modules of one reason
LONGEST_VALUE = 40  # characters of a setting's value
CODE = re.compile(r"[0-9a-f]{16}")
# What a param stands for that is a digest, by its name in the rules.
CONTENTS = {
    "annotation": "another list",
    "annotations": "another list",
    "calibration": "another calibration",
    "clips": "other clips",
    "converted": "another converted model",
    "data": "other clips",
    "digest": "other videos",
    "evaluation": "another evaluation",
    "failed": "an export that failed",
    "ffmpeg": "another ffmpeg",
    "folds": "other folds or seeds",
    "gates": "another export",
    "listing": "other video files",
    "lists": "another list",
    "model": "another model.pth",
    "onnx": "another model.onnx",
    "points": "other combinations",
    "predictions": "other predictions",
    "report": "another report of the data",
    "scores": "other scores",
    "start_contents": "other weights to start from",
    "template": "another page",
    "weights": "another converted model",
}
# Rule and param of settings that stand without the section that they are of -> that section.
SECTIONS = {
    ("annotations", "settings"): "annotations",
    ("crossval", "listed"): "listed",
    ("evaluate", "listed"): "listed",  # what an evaluation knows of the list
    ("render_demo", "settings"): "demo",
    ("shard", "media"): "media",
}


def causes(job: Job, made_by: Mapping[str, str]) -> list[str]:
    """Why a job runs, what was changed first; `made_by` are the rules of this run by their outputs."""
    if job.is_new:
        return [NEW]
    if job.is_forced:
        return [FORCED]
    found = list(dict.fromkeys(_own_causes(job)))
    if job.updated_inputs:  # says the same with names
        found = [cause for cause in found if cause not in CONTENTS.values()]
    after = dict.fromkeys(made_by[path] for path in job.updated_in_run if path in made_by)
    if not found and after:
        return [f"after {', '.join(after)}"]
    return found or [job.reason]


def _own_causes(job: Job) -> Iterator[str]:
    yield from _params(job)
    if job.missing:
        yield f"{_some([Path(path).name for path in job.missing])} missing"
    if set(job.incomplete) - set(job.missing):
        yield "was not finished"
    if job.updated_inputs:
        yield f"{_some([Path(path).name for path in job.updated_inputs])} changed"
    if job.has_other_inputs:
        yield "other input files"


def _params(job: Job) -> Iterator[str]:
    before = [_value(text) for text in job.params_before]
    for name, text in job.params.items():
        if text in job.params_now:
            yield from _change(job.rule, name, before, _value(text))


def _change(rule: str, name: str, before: Sequence[Any], now: Any) -> Iterator[str]:
    """In words; what a param was before has no name, and is found by its kind."""
    if name == "failures":
        yield "failed the last time"
    elif name == "attempt":
        yield "videos that failed are tried again"
    elif name == "code":
        yield _code(before, now)
    elif isinstance(now, Mapping):
        yield from _settings(_nearest(now, before), now, SECTIONS.get((rule, name), ""))
    elif name in CONTENTS:
        yield CONTENTS[name]
    else:
        known = [value for value in before if type(value) is type(now)]
        yield _arrow(name, known[0], now) if len(known) == 1 else f"{name}: now {_short(now)}"


def _settings(before: Mapping[str, Any] | None, now: Mapping[str, Any], section: str) -> Iterator[str]:
    if before is None:
        yield "other settings"
        return
    old, new = _flat(before, section), _flat(now, section)
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    for key in changed[:SHOWN]:
        yield _arrow(key, old.get(key), new.get(key))
    if len(changed) > SHOWN:
        yield f"{len(changed) - SHOWN} more settings"


def _code(before: Sequence[Any], now: str) -> str:
    known = [modules for value in before if _is_code(value) and (modules := remembered(value))]
    modules = remembered(now)
    if len(known) != 1 or modules is None:
        return "other code"
    names = [name or "its script" for name in changed_modules(known[0], modules)]
    return f"code of {_some([name.removeprefix('kinema.') for name in names])}" if names else "other code"


def _nearest(now: Mapping[str, Any], before: Sequence[Any]) -> Mapping[str, Any] | None:
    """The settings of the last time: of all values of then those that have the most keys in common."""
    found = [
        (len(now.keys() & value.keys()), number) for number, value in enumerate(before) if isinstance(value, Mapping)
    ]
    num_shared, number = max(found, default=(0, 0))
    return before[number] if num_shared else None


def _flat(values: Mapping[str, Any], section: str) -> dict[str, Any]:
    """`{"training": {"lr": 0.1}}` -> `{"training.lr": 0.1}`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{section}.{key}" if section else key
        flat |= _flat(value, name) if isinstance(value, Mapping) else {name: value}
    return flat


def _value(text: str) -> Any:
    """What a param is: one that is JSON is read, and what Python cannot read stays a text."""
    try:
        value = ast.literal_eval(text)
        return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
    except (ValueError, SyntaxError):
        return text


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and CODE.fullmatch(value) is not None and FAILURES not in value


def _arrow(key: str, before: Any, now: Any) -> str:
    return f"{key}: {_short(before)} -> {_short(now)}"


def _short(value: Any) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
