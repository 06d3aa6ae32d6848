"""What the names of a module mean, and which of its expressions do nothing but give a value.

Where it cannot be told, an expression counts as one that does something.
"""

import ast
import builtins
from collections.abc import Collection, Iterator

# Give a value and do nothing else, whatever they are given.
PURE_FUNCTIONS = {"abs", "bool", "float", "int", "isinstance", "len", "repr", "round", "str"}
PURE_NODES = (
    *(ast.Attribute, ast.BinOp, ast.BoolOp, ast.Compare, ast.Constant, ast.Dict, ast.FormattedValue, ast.IfExp),
    *(ast.JoinedStr, ast.List, ast.Name, ast.Set, ast.Slice, ast.Subscript, ast.Tuple, ast.UnaryOp, ast.keyword),
    *(ast.boolop, ast.cmpop, ast.expr_context, ast.operator, ast.unaryop),
)
LITERALS = (ast.Dict, ast.List, ast.Set, ast.Tuple)
# What texts are made with: these may read to its end what is given to them.
HARMLESS_FUNCTIONS = PURE_FUNCTIONS | {
    *("all", "any", "dict", "enumerate", "getattr", "list", "map", "max", "min", "range", "set", "sorted", "sum"),
    *("time.monotonic", "time.time", "tuple", "type", "zip"),
}
HARMLESS_METHODS = {"capitalize", "format", "items", "keys", "lower", "partition", "removeprefix", "removesuffix"}
HARMLESS_METHODS |= {"split", "splitlines", "stat", "strip", "sum", "tolist", "upper", "values"}
VIEWS = {"items", "keys", "values"}


def nodes_of(tree: ast.AST) -> list[ast.AST]:
    """What `ast.walk` gives, in half the time: every call of Snakemake reads all modules behind its rules."""
    found = [tree]
    for node in found:  # it grows meanwhile
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                found += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST):
                found.append(value)
    return found


class Names:
    """What is imported and bound in a module, anywhere in it: a name that has two meanings has none."""

    def __init__(self, tree: ast.Module):
        self.imported: dict[str, str] = {}
        self.bound: list[str] = []
        for node in nodes_of(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._add_imports(node)
            else:
                self.bound += _bound_by(node)

    def origin(self, node: ast.AST | None) -> str | None:
        """`nn.Module` -> `torch.nn.Module`, `len` -> `len`; None for names that the module itself gives something."""
        if isinstance(node, ast.Attribute):
            owner = self.origin(node.value)
            return f"{owner}.{node.attr}" if owner else None
        if not isinstance(node, ast.Name) or node.id in self.bound or "*" in self.imported:
            return None
        return self.imported.get(node.id) or (node.id if hasattr(builtins, node.id) else None)

    def is_pure(self, value: ast.AST) -> bool:
        """Whether an expression surely does nothing but give a value."""
        return all(
            self.origin(node.func) in PURE_FUNCTIONS if isinstance(node, ast.Call) else isinstance(node, PURE_NODES)
            for node in nodes_of(value)
        ) and not any(_may_read_to_the_end(node) for node in nodes_of(value))

    def is_harmless(self, value: ast.AST, texts: Collection[str] = ()) -> bool:
        """The same for what a message is made of, where more is allowed; `texts` are functions for parts of it."""
        for node in nodes_of(value):
            if isinstance(node, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom):
                return False
            if isinstance(node, ast.comprehension) and node.is_async:
                return False
            is_text = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in texts
            if isinstance(node, ast.Call) and not is_text and not self._is_harmless_call(node):
                return False
        return True

    def can_be_left_unread(self, iterable: ast.AST) -> bool:
        """Whether a loop may go over this any number of times; a name may be that of an iterator."""
        match iterable:
            case ast.Call(func=ast.Attribute(value=ast.Name(), attr=method), args=[], keywords=[]):
                return method in VIEWS
        return isinstance(iterable, LITERALS) and self.is_pure(iterable)

    def _is_harmless_call(self, call: ast.Call) -> bool:
        called = [word.value for word in call.keywords if word.arg in ("key", None)]  # None: **keywords
        match call.func:
            case ast.Attribute() if self.origin(call.func) in HARMLESS_FUNCTIONS:
                return True
            case ast.Attribute(value=ast.Constant(value=str()), attr="join"):
                return True
            case ast.Attribute(attr="replace"):  # of one argument, it is that of paths
                return len(call.args) > 1
            case ast.Attribute(attr=method):
                return method in HARMLESS_METHODS
            case ast.Name(id="map"):
                called += call.args[:1]
        if self.origin(call.func) not in HARMLESS_FUNCTIONS:
            return False
        return all(isinstance(one, ast.Lambda) or self.origin(one) in HARMLESS_FUNCTIONS for one in called)

    def _add_imports(self, line: ast.Import | ast.ImportFrom) -> None:
        for name in line.names:
            if isinstance(line, ast.ImportFrom):
                bound, origin = name.asname or name.name, f"{'.' * line.level}{line.module or ''}.{name.name}"
            else:
                bound = bound_by_import(name)
                origin = name.name if name.asname else bound
            if self.imported.setdefault(bound, origin) != origin:
                self.bound.append(bound)


def bound_by_import(name: ast.alias) -> str:
    """The name that a line of an import gives something to."""
    return name.asname or name.name.partition(".")[0]


def _bound_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name


def _may_read_to_the_end(node: ast.AST) -> bool:
    """`value in iterator` reads it."""
    if not isinstance(node, ast.Compare):
        return False
    pairs = zip(node.ops, node.comparators, strict=True)
    return any(
        isinstance(one, ast.In | ast.NotIn) and not isinstance(of, (*LITERALS, ast.Constant)) for one, of in pairs
    )
