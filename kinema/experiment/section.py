"""What every section of the configuration is built of: its base class, and the types that values have."""

from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from kinema.media.remote import address

Fraction = Annotated[float, Field(ge=0, le=1)]
Aspect = Annotated[float, Field(gt=0, le=100)]


def _off_for_false(value: Any) -> Any:
    """YAML reads a bare `off` as false."""
    return "off" if value is False else value


Automatic = Annotated[Literal["auto", "off"], BeforeValidator(_off_for_false)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=100)]
Pattern = Annotated[str, Field(min_length=1, max_length=200)]
ModelFolder = Annotated[str, Field(pattern=r"^[^/]+$", max_length=200)]


def _can_be_opened(path: str) -> str:
    if not path.strip():
        raise ValueError("expected a path; this is empty")
    if not path.isprintable():
        raise ValueError("expected a path; this has characters that cannot be printed")
    if path.startswith("~"):
        raise ValueError("expected a path; `~` stands for nothing here, write the folder in full")
    if len(path.encode()) > 4095 or any(len(part.encode()) > 255 for part in path.split("/")):
        raise ValueError("expected a path; this is longer than file systems allow (255 bytes a name, 4095 in all)")
    return path


Location = Annotated[str, AfterValidator(_can_be_opened)]
"""A path, as far as that can be told without looking."""


def _can_be_listed(place: str) -> str:
    if found := address.trouble(place):
        raise ValueError(found)
    return place


VideoLocation = Annotated[str, AfterValidator(_can_be_listed), AfterValidator(_can_be_opened)]
"""The same, or an address of videos."""


class Section(BaseModel):
    """A node of the tree: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        """Python, and so pydantic, takes true for 1; and one line is said of a list, not one of each entry."""
        kind = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and {int, float} & {kind, *get_args(kind)}:
            raise ValueError("expected a number")
        if get_origin(kind) is tuple and isinstance(value, list):
            numbers = all(isinstance(item, int | float) and not isinstance(item, bool) for item in value)
            if not numbers or (Ellipsis not in get_args(kind) and len(value) != len(get_args(kind))):
                raise ValueError(f"expected a list of {'' if Ellipsis in get_args(kind) else '2 '}numbers")
        return value
