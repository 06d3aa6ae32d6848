"""The text of a module -> what of it can change a result, as plain lists that are the same in every version of Python.

Left out are comments, docstrings, annotations of types, calls of loggers and of `warnings.warn`, texts of errors and of
assertions, and what is computed, defined or imported for these alone. An error of ours with more than a text in it
(`MediaError` has a reason, which is counted) stays whole.
"""

import ast
import builtins
from typing import Any

# Fields of syntax trees that some versions of Python have and others do not, or that follow from the rest.
VERSION_FIELDS = {"ctx", "kind", "type_comment", "type_params"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
# What a message is made with; other calls may do something, and count.
HARMLESS_FUNCTIONS = {
    *("abs", "all", "any", "bool", "enumerate", "float", "getattr", "int", "isinstance", "len", "list", "map", "max"),
    *("min", "range", "repr", "round", "set", "sorted", "str", "sum", "tuple", "type", "zip"),
}
HARMLESS_METHODS = {"capitalize", "format", "head", "items", "join", "keys", "lower", "partition", "removeprefix"}
HARMLESS_METHODS |= {"removesuffix", "replace", "split", "splitlines", "strip", "tolist", "upper", "values"}
# Classes whose annotations do something: pydantic's, and marks of dataclasses.
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
READ_ANNOTATIONS = {"BaseModel", "Section", "Settings", "SQLModel", "TypedDict"}
MARKS = {"ClassVar", "InitVar", "KW_ONLY"}


def essence(tree: ast.Module) -> Any:
    """What counts of a module as nested lists; the tree is changed."""
    texts = _text_functions(tree)
    _Stripper(_loggers(tree), texts).visit(tree)
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            _drop_unused_values(node)
    _drop_unused_functions(tree, texts)
    _drop_unused_imports(tree)
    return _plain(tree)


class _Stripper(ast.NodeTransformer):
    """Removes what only people and type checkers read."""

    def __init__(self, loggers: set[str], texts: set[str]):
        self.loggers, self.texts = loggers, texts

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._block(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        bases = {name.id for base in node.bases for name in ast.walk(base) if isinstance(name, ast.Name)}
        for line in node.body if not bases & READ_ANNOTATIONS else ():
            if isinstance(line, ast.AnnAssign) and not _names(line.annotation) & MARKS:
                line.annotation = ast.Constant(None)  # a field, of whatever type
        return self._block(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        if getattr(node, "in_class", False):
            return node
        return ast.Assign([node.target], node.value) if node.value else None

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if self._is_message(node.value) else self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        is_logger = [target.id for target in node.targets if isinstance(target, ast.Name)] and _makes_logger(node.value)
        return None if is_logger else self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.msg = None
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        error = node.exc
        if isinstance(error, ast.Call) and isinstance(error.func, ast.Name) and hasattr(builtins, error.func.id):
            error.args = [argument for argument in error.args if not _is_text(argument, self.texts)]
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        if "TYPE_CHECKING" in _names(node.test):
            return None
        self.generic_visit(node)
        return node if node.body or node.orelse or not _is_harmless(node.test) else None

    def visit_For(self, node: ast.For) -> ast.AST | None:
        self.generic_visit(node)
        return node if node.body or node.orelse or not _is_harmless(node.iter) else None

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        every = node.args
        for argument in [*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg]:
            if argument:
                argument.annotation = None
        return self._block(node)

    def _block(self, node: Any) -> ast.AST:
        """A body without its docstring; annotated lines of classes stay lines of fields."""
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            del node.body[0]
        for line in node.body if isinstance(node, ast.ClassDef) else ():
            line.in_class = True  # type: ignore[attr-defined]
        return self.generic_visit(node)

    def _is_message(self, call: ast.AST) -> bool:
        """Whether this is a call of a logger or of `warnings.warn`."""
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return False
        owner, method = call.func.value, call.func.attr
        if not isinstance(owner, ast.Name):
            return False
        return (owner.id in self.loggers and method in LEVELS) or (owner.id, method) == ("warnings", "warn")


def _loggers(tree: ast.Module) -> set[str]:
    """Names of the module's loggers, and `logging` itself."""
    assigned = [node for node in tree.body if isinstance(node, ast.Assign) and _makes_logger(node.value)]
    return {"logging", *(target.id for node in assigned for target in node.targets if isinstance(target, ast.Name))}


def _makes_logger(value: ast.AST) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "getLogger"


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
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in texts
    return False


def _text_functions(tree: ast.Module) -> set[str]:
    """Private functions and methods that do nothing but put a text together."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_") and not node.name.endswith("__"):
            returned = [line.value for line in ast.walk(node) if isinstance(line, ast.Return)]
            if returned and all(_is_text(value, set()) for value in returned):
                found.add(node.name)
    return found


def _drop_unused_functions(tree: ast.Module, texts: set[str]) -> None:
    """Remove functions that gave texts of errors alone."""
    used = _names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            unused = texts - used
            node.body = [line for line in node.body if not (isinstance(line, FUNCTIONS) and line.name in unused)]


def _is_harmless(value: ast.AST) -> bool:
    """Whether an expression does nothing but give a value."""
    for node in ast.walk(value):
        if isinstance(node, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom):
            return False
        if isinstance(node, ast.Call):
            function = node.func
            is_known = isinstance(function, ast.Name) and function.id in HARMLESS_FUNCTIONS
            if not is_known and not (isinstance(function, ast.Attribute) and function.attr in HARMLESS_METHODS):
                return False
    return True


class _UnusedValues(ast.NodeTransformer):
    """Removes assignments of harmless values to names that nothing reads, and branches that are empty then."""

    def __init__(self, used: set[str]):
        self.used, self.found = used, False

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        names = [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        is_plain = all(isinstance(target, ast.Name | ast.Tuple) for target in node.targets)
        if is_plain and not self.used & set(names) and _is_harmless(node.value):
            self.found = True
            return None
        return node

    def visit_If(self, node: ast.If) -> ast.AST | None:
        had_body = bool(node.body)
        self.generic_visit(node)
        if had_body and not node.body and not node.orelse and _is_harmless(node.test):
            return None
        return node


def _drop_unused_values(function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    outer = {name for node in ast.walk(function) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}
    while True:
        remover = _UnusedValues(_read(function) | outer)
        remover.visit(function)
        if not remover.found:
            return


def _drop_unused_imports(tree: ast.Module) -> None:
    """Remove names imported from elsewhere that nothing reads any more; a module of ours may register something."""
    used = _read(tree)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for line in [line for line in body if isinstance(line, ast.Import | ast.ImportFrom)]:
            is_ours = isinstance(line, ast.ImportFrom) and (line.level or str(line.module).startswith("kinema"))
            if not is_ours:
                line.names = [name for name in line.names if _bound(name) in used or name.name.startswith("kinema")]
            if not line.names:
                body.remove(line)


def _bound(name: ast.alias) -> str:
    return name.asname or name.name.partition(".")[0]


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} | {
        part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)
    }


def _read(node: ast.AST) -> set[str]:
    """Names that are read anywhere below a node."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)}


def _plain(node: Any) -> Any:
    """A syntax tree as lists; unlike ast.dump, the same in every version of Python."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if isinstance(node, ast.AST):
        fields = [[name, _plain(value)] for name, value in ast.iter_fields(node) if name not in VERSION_FIELDS]
        return [type(node).__name__, *(field for field in fields if field[1] not in (None, []))]
    return repr(node) if node is not None else None
