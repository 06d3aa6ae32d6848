"""Registries: what modules register by name, imported by name when it is asked for."""

import importlib
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

Entry = TypeVar("Entry")
Given = TypeVar("Given")


class Registered(Generic[Entry]):
    """Things of one kind by name; `modules` says which module registers which."""

    def __init__(self, kind: str, modules: Mapping[str, str]):
        self.kind = kind
        self.modules = modules
        self._entries: dict[str, Entry] = {}

    def register(self, *names: str) -> Callable[[Given], Given]:
        """Decorator that makes something known by names; a second one of a name is an error."""

        def register(entry: Given) -> Given:
            for name in names:
                if name in self._entries:
                    raise ValueError(
                        f"{self.kind} '{name}' is registered twice, by {self._entries[name]} and {entry}; rename one"
                    )
                self._entries[name] = entry  # type: ignore[assignment]
            return entry

        return register

    def __getitem__(self, name: str) -> Entry:
        module = self.modules[name]
        importlib.import_module(module)
        assert name in self._entries, f"{module} does not register the {self.kind} '{name}'"
        return self._entries[name]
