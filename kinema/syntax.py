"""The text of a module -> what of it can change a result, as plain lists that are the same in every version of Python.

Left out are comments, docstrings, texts behind fields, annotations of types, calls of loggers and of `warnings.warn`,
texts of errors and of assertions, and what is computed, defined or imported for these alone. An error of ours with more
than a text in it (`MediaError` has a reason, which is counted) stays whole. What may do something else counts
(`kinema.purity`).
"""

import ast
import sys
from collections import Counter
from typing import Any

from kinema.annotated import Annotated
from kinema.purity import Names, bound_by_import, nodes_of

# Fields of syntax trees that some versions of Python have and others do not, or that follow from the rest.
VERSION_FIELDS = {"ctx", "kind", "type_comment"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# With these, names that no line reads may be read.
READERS_OF_NAMES = {"dir", "eval", "exec", "locals", "vars"}
FOR_MESSAGES = {"logging", "typing", "warnings"}  # modules whose import changes nothing


def essence(tree: ast.Module) -> Any:
    """What counts of a module as nested lists; the tree is changed."""
    names = Names(tree)
    texts = _text_functions(tree, names)
    in_errors_only = _read_in_errors_only(tree, names, set(texts))
    _Stripper(names, _loggers(tree, names), texts).visit(tree)
    left = nodes_of(tree)
    for node in left:
        if isinstance(node, FUNCTIONS):
            _drop_unused_values(node, names)
    for node in left:
        if isinstance(node, ast.Module | ast.ClassDef):
            node.body = [
                line for line in node.body if not (isinstance(line, FUNCTIONS) and line.name in in_errors_only)
            ]
    _drop_unused_loggers(tree, names)
    _drop_unused_imports(tree)
    return _plain(tree)


class _Stripper(ast.NodeTransformer):
    """Removes what only people and type checkers read."""

    def __init__(self, names: Names, loggers: set[str], texts: dict[str, bool]):
        self.names, self.loggers, self.texts = names, loggers, set(texts)
        self.harmless_texts = {name for name, is_harmless in texts.items() if is_harmless}
        self.annotated = Annotated(names)

    def visit_Module(self, node: ast.Module) -> ast.AST:
        self.annotated.note_classes(node)
        return self._block(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.annotated.strip_class(node)
        return self._block(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.annotated.strip_function(node)
        return self._block(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self.annotated.strip_function(node)
        return self._block(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if self.annotated.counts(node):
            return node
        return ast.Assign([node.target], node.value) if node.value else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)  # behind a field, say
        return None if is_text or self._is_message(node.value) else self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.msg = None
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        error = node.exc
        if isinstance(error, ast.Call) and _is_builtin_error(error, self.names):
            error.args = [argument for argument in error.args if not _is_text(argument, self.texts)]
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> Any:
        if self.names.origin(node.test) == "typing.TYPE_CHECKING":
            node.body = []
            self.generic_visit(node)
            return node.orelse
        self.generic_visit(node)
        return node if node.body or node.orelse or not self.names.is_pure(node.test) else None

    def _block(self, node: Any) -> ast.AST:
        """A body without its docstring."""
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            del node.body[0]
        return self.generic_visit(node)

    def _is_message(self, call: ast.AST) -> bool:
        """Whether this is a call of a logger or of `warnings.warn` that does nothing else."""
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return False
        owner, method = call.func.value, call.func.attr
        is_logger = self.names.origin(owner) == "logging" or (isinstance(owner, ast.Name) and owner.id in self.loggers)
        if not (is_logger and method in LEVELS) and self.names.origin(call.func) != "warnings.warn":
            return False
        parts = [*call.args, *(word.value for word in call.keywords)]
        return all(self.names.is_harmless(part, self.harmless_texts) for part in parts)


def _loggers(tree: ast.Module, names: Names) -> set[str]:
    """Names of the module's loggers, where they name nothing else in it."""
    found = Counter(filter(None, (_made_logger(line, names) for line in tree.body)))
    return {name for name, count in found.items() if names.bound.count(name) == count and name not in names.imported}


def _made_logger(line: ast.AST, names: Names) -> str | None:
    match line:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=function, args=arguments, keywords=[])):
            if names.origin(function) == "logging.getLogger" and all(map(names.is_pure, arguments)):
                return name
    return None


def _drop_unused_loggers(tree: ast.Module, names: Names) -> None:
    if not (loggers := _loggers(tree, names)):
        return
    unused = loggers - _read(tree)
    tree.body = [line for line in tree.body if _made_logger(line, names) not in unused]


def _is_builtin_error(error: ast.Call, names: Names) -> bool:
    return isinstance(error.func, ast.Name) and names.origin(error.func) == error.func.id


def _is_text(node: ast.AST | None, texts: set[str]) -> bool:
    """Whether an expression is put together of texts; `texts` are functions that give one."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.BinOp():
            return _is_text(node.left, texts) or _is_text(node.right, texts)
        case ast.IfExp():
            return _is_text(node.body, texts) and _is_text(node.orelse, texts)
        case ast.Call(func=ast.Attribute(attr="join" | "format") as method):
            return _is_text(method.value, texts)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name)):
            return name in texts
    return False


def _text_functions(tree: ast.Module, names: Names) -> dict[str, bool]:
    """Private functions and methods that give a text, and whether they surely do nothing else."""
    found = {}
    for node in nodes_of(tree):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("_") or node.name.endswith("__"):
            continue
        lines = [line for line in nodes_of(node) if isinstance(line, ast.stmt) and line is not node]
        returned = [line.value for line in lines if isinstance(line, ast.Return)]
        is_alone = names.bound.count(node.name) == 1 and not node.decorator_list
        if is_alone and returned and all(_is_text(value, set()) for value in returned):
            found[node.name] = names.is_harmless(node) and all(map(_only_gives_a_value, lines))
    return found


def _only_gives_a_value(line: ast.stmt) -> bool:
    match line:
        case ast.Assign(targets=[ast.Name()]) | ast.AnnAssign(target=ast.Name()) | ast.If() | ast.Return():
            return True
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def _read_in_errors_only(tree: ast.Module, names: Names, texts: set[str]) -> set[str]:
    """Those of `texts` that only arguments of errors of Python's own call."""
    if not texts:
        return set()
    raised = [line.exc for line in nodes_of(tree) if isinstance(line, ast.Raise) and isinstance(line.exc, ast.Call)]
    arguments = [argument for error in raised if _is_builtin_error(error, names) for argument in error.args]
    in_errors = Counter(name for argument in arguments for name in _mentioned(argument))
    everywhere = Counter(_mentioned(tree))
    return {name for name in texts if 0 < in_errors[name] == everywhere[name]}


class _UnusedValues(ast.NodeTransformer):
    """Removes assignments of values to names that nothing reads, and branches and loops that are empty then."""

    def __init__(self, used: set[str], names: Names):
        self.used, self.names, self.found = used, names, False

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node  # attributes are no variables

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        return self._unless(node, all(map(self._is_unread, node.targets)) and self.names.is_pure(node.value))

    def visit_If(self, node: ast.If) -> ast.AST | None:
        self.generic_visit(node)
        return self._unless(node, not node.body and not node.orelse and self.names.is_pure(node.test))

    def visit_For(self, node: ast.For) -> ast.AST | None:
        self.generic_visit(node)
        parts = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
        is_empty = not node.body and not node.orelse
        return self._unless(
            node, is_empty and all(map(self._is_unread, parts)) and self.names.can_be_left_unread(node.iter)
        )

    def _is_unread(self, target: ast.expr) -> bool:
        return isinstance(target, ast.Name) and target.id not in self.used

    def _unless(self, node: ast.AST, is_unused: bool) -> ast.AST | None:
        self.found |= is_unused
        return None if is_unused else node


def _drop_unused_values(function: ast.FunctionDef | ast.AsyncFunctionDef, names: Names) -> None:
    used = _read(function)
    if used & READERS_OF_NAMES:
        return
    outer = {name for node in nodes_of(function) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}
    remover = _UnusedValues(used | outer, names)
    remover.visit(function)
    while remover.found:
        remover = _UnusedValues(_read(function) | outer, names)
        remover.visit(function)


def _drop_unused_imports(tree: ast.Module) -> None:
    """Remove names of the standard library that nothing reads any more; other modules may register something."""
    used = _read(tree)
    for node in nodes_of(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
            for line in node.body:
                if isinstance(line, ast.Import | ast.ImportFrom):
                    line.names = [name for name in line.names if bound_by_import(name) in used or _may_do(line, name)]
            node.body = [line for line in node.body if getattr(line, "names", None) != []]


def _may_do(line: ast.Import | ast.ImportFrom, name: ast.alias) -> bool:
    """Whether an import may change something though nothing reads what it names."""
    if isinstance(line, ast.Import):
        return name.name not in FOR_MESSAGES
    source = str(line.module).partition(".")[0]
    return bool(line.level) or name.name == "*" or source == "__future__" or source not in sys.stdlib_module_names


def _mentioned(node: ast.AST) -> list[str]:
    parts = nodes_of(node)
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    return names + [part.attr for part in parts if isinstance(part, ast.Attribute)]


def _read(node: ast.AST) -> set[str]:
    """Names that are read or deleted anywhere below a node."""
    parts = nodes_of(node)
    changed = {part.target for part in parts if isinstance(part, ast.AugAssign)}
    names = [part for part in parts if isinstance(part, ast.Name)]
    return {name.id for name in names if not isinstance(name.ctx, ast.Store) or name in changed}


def _plain(node: Any) -> Any:
    """A syntax tree as lists; unlike ast.dump, the same in every version of Python."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if isinstance(node, ast.AST):
        fields = [[name, _plain(value)] for name, value in ast.iter_fields(node) if name not in VERSION_FIELDS]
        return [type(node).__name__, *(field for field in fields if field[1] not in (None, []))]
    return repr(node) if node is not None else None
