"""The section of a sweep: settings with the values to try."""

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from kinema.experiment.assigned import checked, nearest_setting, setting_fields
from kinema.experiment.combinations import Between, Choice, Combination, drawn, grid
from kinema.experiment.section import Section

MOST = 1000  # combinations of a sweep; each is a training, and more jobs are too many for one command
VALUES = "expected a list of values, as [1e-4, 1e-3], or with `draws` a range, as {low: 1e-5, high: 1e-2, log: true}"
Place = tuple[str | int, ...]


class Range(Section):
    """Numbers that are drawn from."""

    low: float = Field(description="The lowest.")
    high: float = Field(description="The highest.")
    log: bool = Field(False, description="Draw on a scale of logarithms, as is usual for learning rates.")

    @model_validator(mode="after")
    def _ends_are_in_order(self):
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError("expected low < high, and 0 < low with log")
        return self


class Sweep(Section):
    """Every other key is a setting, as `training.lr`, with a list of values or a range."""

    model_config = ConfigDict(extra="allow")

    choose_on: Literal["validation", "crossval"] = Field(
        "validation",
        description="What says which combination is best: the validation videos, or a cross-validation of each, as "
        "`crossval` asks for it. Testing videos never do.",
    )
    draws: int | None = Field(
        None,
        ge=1,
        le=MOST,
        description="Draw so many combinations at random, from lists and from ranges `{low:, high:, log: true}`; null "
        "takes each value with each. More draws begin with the same ones.",
    )
    seed: int = Field(1, ge=0, lt=2**32, description="Of the draws.")

    @property
    def combinations(self) -> list[Combination]:
        """What is tried: the values of each combination by the names of the settings, sorted."""
        return _combined(self, _Choices(self))

    @model_validator(mode="after")
    def _settings_fit(self):
        """One error for each mistake, with its place."""
        choices = _Choices(self)
        lines = [*choices.lines, *([] if choices.lines else _lines_of_combinations(self, choices))]
        if lines:
            raise ValidationError.from_exception_data("sweep", lines)
        return self


class _Choices(dict[str, Choice]):
    """What each setting of a sweep is chosen from, as the setting takes it; `lines` have what is wrong."""

    def __init__(self, sweep: Sweep):
        self.lines: list[InitErrorDetails] = []
        given = sweep.__pydantic_extra__ or {}
        for key in sorted(given):
            if key not in setting_fields():
                self.lines.append(_line("unknown_setting", _unknown(key), (key,), given[key]))
            elif isinstance(given[key], Mapping):
                self._add_range(key, given[key], is_drawn=sweep.draws is not None)
            elif isinstance(given[key], list) and given[key]:
                self._add_list(key, given[key])
            else:
                self.lines.append(_line("value", VALUES, (key,), given[key]))

    def _add_list(self, key: str, values: list[Any]) -> None:
        self[key] = [self._checked(key, (key, number), value) for number, value in enumerate(values)]

    def _add_range(self, key: str, values: Mapping[str, Any], *, is_drawn: bool) -> None:
        if not is_drawn:
            self.lines.append(_line("value", "a range needs `draws`, how many are drawn", (key,), values))
            return
        try:
            found = Range.model_validate(values)
        except ValidationError as error:
            self.lines += _lines_of_range(key, error)
            return
        low, high = (self._checked(key, (key, end), values[end]) for end in ("low", "high"))
        if any(isinstance(end, bool) or not isinstance(end, int | float) for end in (low, high)):
            self.lines.append(_line("value", "a range is for numbers; name the values in a list", (key,), values))
            return
        self[key] = Between(low, high, found.log)

    def _checked(self, key: str, place: Place, value: Any) -> Any:
        try:
            return checked(key, value)
        except ValueError as error:
            self.lines.append(_line("value", str(error), place, value))
            return value


def _combined(sweep: Sweep, choices: Mapping[str, Choice]) -> list[Combination]:
    if sweep.draws is not None:
        return drawn(choices, number=sweep.draws, seed=sweep.seed)
    return grid({key: choice for key, choice in choices.items() if not isinstance(choice, Between)})


def _lines_of_combinations(sweep: Sweep, choices: Mapping[str, Choice]) -> Iterator[InitErrorDetails]:
    given = sweep.model_dump(exclude_unset=True)
    if not choices:
        yield _line("value", "expected settings with their values, as training.lr: [1e-4, 1e-3]", (), given)
        return
    for key, choice in choices.items():
        if not isinstance(choice, Between) and len(set(map(repr, choice))) < len(choice):
            yield _line("value", "expected each value once", (key,), given[key])
            return
    number = math.prod(len(choice) for choice in choices.values())
    if sweep.draws is None and number > MOST:
        yield _line("value", f"{number:,} combinations, expected {MOST:,} or less; set `draws`", (), given)
        return
    try:
        _combined(sweep, choices)
    except ValueError as error:
        yield _line("value", str(error), ("draws",), sweep.draws)


def _unknown(key: str) -> str:
    own = [] if "." in key else get_close_matches(key, Sweep.model_fields, n=1, cutoff=0.6)
    return "no setting has this name" + (f"; did you mean '{own[0]}'?" if own else nearest_setting(key))


def _lines_of_range(key: str, error: ValidationError) -> Iterator[InitErrorDetails]:
    unknown = [detail for detail in error.errors() if detail["type"] == "extra_forbidden"]
    for detail in unknown or error.errors():
        text = (
            f"a range has {', '.join(Range.model_fields)}" if unknown else detail["msg"].removeprefix("Value error, ")
        )
        kind = "missing" if detail["type"] == "missing" else "value"
        yield _line(kind, text, (key, *detail["loc"]), detail["input"])


def _line(kind: Any, text: str, place: Place, value: Any) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError(kind, text), loc=place, input=value)
