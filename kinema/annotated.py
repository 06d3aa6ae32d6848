"""Which annotations of types do something: those that a decorator, or the class that they are in, may read."""

import ast
from collections.abc import Iterator
from typing import Any

from kinema.purity import Names, nodes_of

Function = ast.FunctionDef | ast.AsyncFunctionDef
# Where names are from, of decorators and bases that do not read annotations.
DECORATORS = {
    *("property", "classmethod", "staticmethod", "abc.abstractmethod", "typing.override", "contextlib.contextmanager"),
    *("functools.cache", "functools.cached_property", "functools.lru_cache", "torch.inference_mode", "torch.no_grad"),
}
DATACLASS = "dataclasses.dataclass"
MARKS = {"ClassVar", "InitVar", "KW_ONLY"}  # what a dataclass looks for
BASES = {"abc.ABC", "object", "typing.Generic", "typing.NamedTuple", "typing.Protocol"}
PACKAGES = {"ast", "lightning", "torch", "torchvision", "yaml"}


class Annotated:
    """Removes annotations that only people and type checkers read, and remembers the lines where others are left."""

    def __init__(self, names: Names):
        self.names = names
        self.kept: set[ast.AST] = set()
        self.classes: dict[str, ast.ClassDef] = {}

    def note_classes(self, tree: ast.Module) -> None:
        """Classes that others of the module may have as their base."""
        self.classes = {line.name: line for line in tree.body if isinstance(line, ast.ClassDef)}

    def counts(self, line: ast.AnnAssign) -> bool:
        """Whether an annotated line is more than an assignment."""
        return line in self.kept

    def strip_class(self, node: ast.ClassDef) -> None:
        """Remove types of fields; the lines stay what they are, since fields are made of them."""
        is_read = not self._is_plain(node)
        for line in _lines_of(node):
            if isinstance(line, ast.AnnAssign):
                self.kept.add(line)
                if not is_read and not _does_something(line.annotation) and not _mentioned(line.annotation) & MARKS:
                    line.annotation = ast.Constant(None)
            elif is_read and isinstance(line, Function):
                self.kept.add(line)

    def strip_function(self, node: Function) -> None:
        """Remove types of arguments and of the result, and of names alone in its body."""
        if node in self.kept or not all(map(self._is_known, node.decorator_list)):
            return
        every: Any = node.args
        for argument in [*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg]:
            if argument and argument.annotation and not _does_something(argument.annotation):
                argument.annotation = None
        if node.returns and not _does_something(node.returns):
            node.returns = None

    def _is_known(self, decorator: ast.expr) -> bool:
        if (
            isinstance(decorator, ast.Attribute)
            and isinstance(decorator.value, ast.Name)
            and decorator.attr == "setter"
        ):
            return True
        return self.names.origin(_called(decorator)) in DECORATORS

    def _is_plain(self, node: ast.ClassDef) -> bool:
        """Whether neither a decorator of a class nor what it is a kind of may read its annotations."""
        if node.keywords or not all(self.names.origin(_called(one)) == DATACLASS for one in node.decorator_list):
            return False
        return all(map(self._is_plain_base, node.bases))

    def _is_plain_base(self, base: ast.expr) -> bool:
        if isinstance(base, ast.Subscript):
            base = base.value
        if isinstance(base, ast.Name) and base.id in self.classes and self.names.bound.count(base.id) == 1:
            return self._is_plain(self.classes[base.id])
        origin = self.names.origin(base) or ""
        is_error = isinstance(base, ast.Name) and origin == base.id and origin.endswith(("Error", "Exception"))
        return is_error or origin in BASES or origin.partition(".")[0] in PACKAGES


def _lines_of(node: ast.AST) -> Iterator[ast.AST]:
    """What is in a class, in its branches as well, but not in its functions and classes."""
    for part in ast.iter_child_nodes(node):
        yield part
        if not isinstance(part, Function | ast.ClassDef):
            yield from _lines_of(part)


def _called(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _does_something(annotation: ast.expr) -> bool:
    """Whether making it may."""
    return any(isinstance(part, ast.Call | ast.NamedExpr | ast.Await | ast.Yield) for part in nodes_of(annotation))


def _mentioned(annotation: ast.expr) -> set[str]:
    """Names in a type, those in a quoted part of it as well."""
    words = {part.id for part in nodes_of(annotation) if isinstance(part, ast.Name)}
    words |= {part.attr for part in nodes_of(annotation) if isinstance(part, ast.Attribute)}
    texts = [
        part.value for part in nodes_of(annotation) if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    return words | {mark for mark in MARKS for text in texts if mark in text}
