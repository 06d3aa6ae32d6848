"""Settings that stand in the name of a model: `resnet34_vtn@quick+training.lr=1e-05`.

What follows the `@` is a variant of the configuration, settings with their values, or the one and then the others.
Settings are sorted and have one spelling, so that the same experiment has the same name wherever it is asked for. `=`
and `+` are no trouble in a path, a shell or an argument of Snakemake's; in the last a comma would be.
"""

import difflib
import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from pydantic import ValidationError, create_model
from pydantic.fields import FieldInfo

from kinema.experiment.section import Section
from kinema.experiment.settings import Settings

_Section = TypeVar("_Section", bound=Section)
Value = bool | int | float | str | None
LONGEST = 200  # characters of a name; file systems take 255 bytes, and parts of it stand in names of other files
_BETWEEN = re.compile(r"\+(?=[\w.]+=)")  # no variant and no value has a `=`
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def split_assigned(variant: str) -> tuple[str | None, dict[str, str]]:
    """The variant of the configuration that is named, if any, and the settings behind it as texts."""
    parts = _BETWEEN.split(variant)
    named = None if "=" in parts[0] else parts.pop(0)
    return named, dict(part.split("=", 1) for part in parts)


def joined(named: str | None, values: Mapping[str, Value]) -> str:
    """The one name of both; the other way round."""
    texts = [f"{key}={text_of(values[key])}" for key in sorted(values)]
    return "+".join([*([] if named is None else [named]), *texts])


def read_assigned(texts: Mapping[str, str]) -> dict[str, Value]:
    """Values of settings that stand in a name; ValueError where there is no such setting, or it takes no such value."""
    found = {}
    for key, text in texts.items():
        if key not in setting_fields():
            raise ValueError(f"no setting has the name '{key}'{nearest_setting(key)}")
        try:
            found[key] = checked(key, None if text == "null" else text)
        except ValueError as error:
            raise ValueError(f"{key}: {error}; found '{text}'") from None
    return found


def text_of(value: Value) -> str:
    """A value as it is spelled in names."""
    return value if isinstance(value, str) else json.dumps(value)


def settings_of(values: Mapping[str, Value]) -> Settings:
    """The same as sections, as somebody sets them; what else they have to go with is not known here, nor looked at."""
    return _section_of(Settings, values)


def _section_of(kind: type[_Section], values: Mapping[str, Value]) -> _Section:
    found: dict[str, Any] = {key: value for key, value in values.items() if "." not in key}
    for name in {key.partition(".")[0] for key in values} - set(found):
        inner = {key.removeprefix(f"{name}."): value for key, value in values.items() if key.startswith(f"{name}.")}
        found[name] = _section_of(cast(type[Section], kind.model_fields[name].annotation), inner)
    return cast(_Section, kind.model_construct(**found))


@functools.cache
def setting_fields() -> Mapping[str, FieldInfo]:
    """All settings of a model by name, as `training.lr`."""
    return dict(_fields(Settings, ""))


def _fields(section: type[Section], above: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _fields(field.annotation, f"{above}{name}.")
        else:
            yield f"{above}{name}", field


def nearest_setting(key: str) -> str:
    """'; did you mean ...?' or where they are listed: what follows the mention of a setting that is none."""
    last = key.rpartition(".")[2]
    alike = [name for name in setting_fields() if name.rpartition(".")[2] == last]
    alike = alike or difflib.get_close_matches(key, setting_fields(), n=1, cutoff=0.75)
    if alike:
        return f"; did you mean {' or '.join(repr(name) for name in alike)}?"
    return ". The settings of models are those of config/README.md, as training.lr."


def checked(key: str, value: Any) -> Value:
    """A value as the setting takes it; ValueError where it does not, or where it is nothing for a name."""
    try:
        found = _alone(key).model_validate({"value": value}).model_dump()["value"]
    except ValidationError as error:
        text = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"{text[0].lower()}{text[1:]}") from None
    if isinstance(found, str) and found != "null" and _WORD.fullmatch(found):
        return found
    if found is None or isinstance(found, bool | int | float):
        return found
    raise ValueError(
        "expected a number, true, false, null or a word, which can stand in a name; write others as `variants`"
    )


@functools.cache
def _alone(key: str) -> type[Section]:
    """A section of this setting alone, which is judged without those that it has to go with."""
    field = setting_fields()[key]
    return create_model(key, __base__=Section, value=(cast(Any, field.annotation), field))
