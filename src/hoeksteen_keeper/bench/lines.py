"""How much an auditor has to read (docs/decisions/0012)."""

import ast
from pathlib import Path

_APART = ("verify", "bench")


def code_lines(package: Path = Path(__file__).parents[1]) -> int:
    """Count the keeper's lines of code: no blanks, comments or docstrings; the verifier and this benchmark are programs of their own."""
    return sum(_lines(path) for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in _APART)


def _lines(path: Path) -> int:
    text, documented = path.read_text("utf-8"), set[int]()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            documented |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    numbered = enumerate(text.splitlines(), 1)
    return sum(1 for number, line in numbered if line.strip() and not line.strip().startswith("#") and number not in documented)
