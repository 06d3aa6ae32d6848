"""A result's record: one class writes its JSON file and reads it, and refuses what is no such file."""

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, cast

from kinema.files import write_text
from kinema.input_error import InputError
from kinema.records.json_file import as_json
from kinema.records.values import WrongValueError, reader

KEY = "record"  # its value is the version


@dataclass(frozen=True, kw_only=True)
class Record:
    """A dataclass whose fields are the keys of a JSON file, beside `record`, which is the version of the layout.

    A key more or less, or another meaning of one, is another version. What a record holds is described in
    docs/records.md, out of the texts behind its fields; `[seconds] ...` gives a unit.
    """

    VERSION: ClassVar[int]
    AGAIN: ClassVar[str] = "delete it and run snakemake for it, which makes it anew"

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all. WrongValueError where `read` would refuse it."""
        text = as_json({KEY: self.VERSION, **vars(self)})
        self._built(json.loads(text))
        write_text(path, text)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file. InputError, in one line, where it is damaged, of another version or no such record."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}; run snakemake for it") from None
        except (ValueError, RecursionError) as error:
            raise cls._refusal(path, f"cannot be read as JSON ({error})") from None
        try:
            return cls._built(values)
        except WrongValueError as error:
            raise cls._refusal(path, str(error)) from None

    @classmethod
    def _built(cls, values: Any) -> Self:
        if not isinstance(values, dict):
            raise WrongValueError(f"found {type(values).__name__}, expected an object")
        if KEY not in values:
            raise WrongValueError(
                f"has no `{KEY}`, expected {cls.VERSION}: an older kinema wrote it, or another program"
            )
        version = values[KEY]
        if type(version) is not int or version != cls.VERSION:
            raise WrongValueError(
                f"`{KEY}` is {version!r:.60}, expected {cls.VERSION}: another version of kinema wrote it"
            )
        read: Callable[[Any], Self] = reader(cast(Hashable, cls))
        return read({key: value for key, value in values.items() if key != KEY})

    @classmethod
    def _refusal(cls, path: Path, found: str) -> InputError:
        return InputError(f"{path}: {' '.join(found.split())}; {cls.AGAIN}")
