"""Solutions with one small change each: an operator, a constant, an axis, a bound, a function's name."""

import ast
import copy

SWAPS = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult], ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.FloorDiv], ast.Pow: [ast.Mult], ast.BitAnd: [ast.BitOr], ast.BitOr: [ast.BitAnd],
    ast.Lt: [ast.LtE, ast.Gt], ast.LtE: [ast.Lt], ast.Gt: [ast.GtE, ast.Lt], ast.GtE: [ast.Gt], ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq], ast.And: [ast.Or], ast.Or: [ast.And],
}  # fmt: skip
NAMES = {
    "max": ["min", "sum"], "min": ["max"], "sum": ["mean", "max"], "mean": ["sum"], "any": ["all"], "all": ["any"],
    "maximum": ["minimum"], "minimum": ["maximum"], "argmax": ["argmin"], "argmin": ["argmax"], "ones": ["zeros"],
    "zeros": ["ones"], "tril": ["triu"], "triu": ["tril"], "sqrt": ["abs"], "exp": ["abs"], "log": ["abs"], "cos": ["sin"],
    "sin": ["cos"], "repeat": ["tile"], "tile": ["repeat"], "cumsum": ["cumprod"],
}  # fmt: skip


def mutants(source):
    """Each changed source, with what was changed: a list of (description, source).

    Args:
        source: of a function.
    """
    tree = ast.parse(source)
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    defaults = {id(node) for one in ast.walk(function.args) for node in ast.walk(one)}
    found = []
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in defaults:
            continue
        for change in _changes(node):
            other = copy.deepcopy(tree)
            twin = next(one for i, one in enumerate(ast.walk(other)) if i == number)
            before = ast.unparse(twin)
            change(twin)
            text = ast.unparse(other)
            if text != ast.unparse(tree):
                found.append((f"{before} -> {ast.unparse(twin)}", text))
    return found


def _changes(node):
    """Functions that change a copy of the node in place."""
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)):
        for other in SWAPS.get(type(node.op), ()):
            yield lambda twin, other=other: setattr(twin, "op", other())
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in SWAPS.get(type(node.ops[0]), ()):
            yield lambda twin, other=other: setattr(twin, "ops", [other()])
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda twin: setattr(twin, "value", not twin.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        for step in (1, -1):
            yield lambda twin, step=step: setattr(twin, "value", twin.value + step)
    if isinstance(node, ast.Attribute):
        for other in NAMES.get(node.attr, ()):
            yield lambda twin, other=other: setattr(twin, "attr", other)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("max", "min", "any", "all", "sum")
    ):
        for other in NAMES[node.func.id]:
            if other in ("max", "min", "any", "all"):
                yield lambda twin, other=other: setattr(twin.func, "id", other)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda twin: setattr(twin, "op", ast.UAdd())
    if isinstance(node, (ast.If, ast.IfExp)):
        yield lambda twin: setattr(twin, "test", ast.UnaryOp(ast.Not(), twin.test))
