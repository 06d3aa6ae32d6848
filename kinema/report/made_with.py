"""Records -> what a model was made with: settings beside their defaults, versions, commit, seed and digests."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from kinema.digests import ABSENT, file_digest
from kinema.durations import duration_in_words
from kinema.experiment.config import Dataset
from kinema.report.model_records import ModelRecords

NO_DEFAULT = "none: it is to be given"


@dataclass(frozen=True)
class Setting:
    """A key of the experiment.

    `default` is None where this version has no such key, NO_DEFAULT where one has to be given.
    """

    key: str
    value: str
    default: str | None
    meaning: str

    @property
    def is_default(self) -> bool:
        """Whether it was left as it is."""
        return self.value == self.default


def settings_of(records: ModelRecords) -> list[Setting]:
    """All settings, by section: of the training as it was run, of the data, scoring and export as they are now.

    Those of the data set that are in no section have the section "".
    """
    sections = {name: dict(keys) for name, keys in records.training.settings.items() if isinstance(keys, dict)}
    for name, keys in records.sections.items():
        sections[name] = {**sections.get(name, {}), **keys}
    return [_setting(section, key, value) for section, keys in sections.items() for key, value in keys.items()]


def _setting(section: str, key: str, value: Any) -> Setting:
    """With what the configuration says of the key."""
    above = Dataset.model_fields
    known = getattr(above[section].annotation, "model_fields", {}) if section in above else {} if section else above
    name = f"{section}.{key}" if section else key
    if key not in known:
        return Setting(name, _text(value), None, "")
    field = known[key]
    default = field.get_default(call_default_factory=True)
    shown = NO_DEFAULT if field.is_required() else _text(TypeAdapter(Any).dump_python(default, mode="json"))
    return Setting(name, _text(value), shown, (field.description or "").replace("`", ""))


def facts_of(records: ModelRecords) -> list[tuple[str, str]]:
    """What there is to reproduce the model and to tell it from others."""
    return [(name, text) for name, text in _facts(records) if text]


def _facts(records: ModelRecords) -> Iterator[tuple[str, str]]:
    training, verification = records.training, records.found.verification
    yield "Network", training.model
    yield "Seed", str(training.seed)
    yield "Commit", training.commit or "none: the code is in no repository"
    yield "Trained", _time(records)
    for key, path in training.starts.items():
        yield f"Started from ({key})", path
    if published := training.published:
        licence = f", licence {published.license}" if published.license else ""
        yield "Published weights", f"{published.name}, {published.source}{licence}"
        yield "SHA-256 of these", published.sha256
    model_digest = file_digest(records.folder / "model.pth")
    yield "Digest of model.pth", "" if model_digest == ABSENT else model_digest
    if verification:
        for name, text in verification.sha256.items():
            yield f"SHA-256 of {name}", text
    for part, text in training.data.items():
        yield f"Digest of the {part if part == 'labels' else f'{part} videos'}", text
    yield "Digest of the code", training.code


def _time(records: ModelRecords) -> str:
    number = records.training.num_epochs
    if not number:
        return "no: its weights were given"
    return f"{number} epoch{'' if number == 1 else 's'} in {duration_in_words(records.training.seconds)}"


def _text(value: Any) -> str:
    """A value as it stands in YAML or JSON; numbers that are equal look alike."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list):
        return f"[{', '.join(_text(each) for each in value)}]"
    return value if isinstance(value, str) else json.dumps(value)
