"""The house keeps its own rules: sizes, names, documents, and nothing in the repository that belongs elsewhere."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= FILE_LINES_MAX
    long = [
        f"{function.name} has {function.end_lineno - function.lineno + 1} lines"
        for function in _functions(_tree(path))
        if function.end_lineno and function.end_lineno - function.lineno >= FUNCTION_LINES_MAX
    ]
    assert not long


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name in ("operations.py", "queries.py")], ids=_name)
def test_operations_and_queries_are_documented_and_keyword_only(path: Path) -> None:
    for function in _tree(path).body:
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and not function.name.startswith("_"):
            assert ast.get_docstring(function), f"{function.name} has no docstring"
            if path.is_relative_to(ROOT / "src/hoeksteen"):
                assert not function.args.args, f"{function.name} takes positional arguments"


def test_each_room_has_its_readme() -> None:
    for package in ("hoeksteen", "hoeksteen_keeper"):
        for room in (ROOT / "src" / package).iterdir():
            if room.is_dir() and not room.name.startswith("__"):
                files = [path for path in room.rglob("*.py") if path.read_text("utf-8").strip()]
                assert files, f"{room.name} is empty"
                assert (room / "README.md").exists(), f"{room.name} has no README.md"


def test_no_room_uses_the_private_parts_of_another() -> None:
    found = []
    for path in SOURCES:
        package = path.relative_to(ROOT / "src").with_suffix("").parts[:-1]
        for node in ast.walk(_tree(path)):
            modules = []
            if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                modules = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            for module in modules:
                parts = module.split(".")
                if parts[0] not in ("hoeksteen", "hoeksteen_keeper"):
                    continue
                private = next((i for i, part in enumerate(parts) if part.startswith("_") and not part.startswith("__")), None)
                if private is not None and tuple(parts[:private]) != package[:private]:
                    found.append(f"{_name(path)} imports {module}")
    assert not found


def test_an_account_is_always_named_in_full() -> None:
    """`account` alone could be a billing account, a ledger account or a log-in (docs/glossary.md)."""
    found = []
    for path in SOURCES:
        for node in ast.walk(_tree(path)):
            if (isinstance(node, ast.arg) and node.arg == "account") or (
                isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "account"
            ):
                found.append(f"{_name(path)}:{node.lineno}")
    assert not found


def test_the_repository_speaks_of_itself_alone() -> None:
    hosts = ["pypi" + ".org", "python" + "hosted", "registry." + "npmjs", "deb." + "debian", "/wo" + "rk/", "/fa" + "rm/", "/ro" + "ot/"]
    binary = {".png", ".pdf", ".mo", ".ico", ".woff2"}
    found = [
        f"{_name(path)} holds {host}"
        for path in _tracked()
        if path.suffix not in binary
        for host in hosts
        if host in path.read_text("utf-8", "replace")
    ]
    assert not found


def test_the_lock_file_names_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements/lock.txt").read_text("utf-8")
    assert "://" not in lock
    names = re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)
    assert len(names) > 50
    assert len(re.findall(r"--hash=sha256:", lock)) > len(names)


def test_every_error_code_is_documented() -> None:
    from hoeksteen.interfaces.problems import PROBLEMS
    from hoeksteen.kernel.errors import Code

    text = (ROOT / "docs/errors.md").read_text("utf-8")
    assert set(PROBLEMS) == set(Code)
    assert [code for code in Code if f"`{code}`" not in text] == []


def test_every_reason_of_the_keeper_is_documented() -> None:
    """A reason is the first argument of an error of the keeper, or a key of the gate's table of details."""
    text, reasons = (ROOT / "docs/errors.md").read_text("utf-8"), set()
    trees = [_tree(path) for path in (ROOT / "src/hoeksteen_keeper").rglob("*.py") if "verify" not in path.parts]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    errors = {"KeeperError", "encoded"}
    for _ in range(3):  # errors of errors of errors
        errors |= {node.name for node in nodes if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & errors}
    for node in nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) in errors:
            reasons |= {leaf.value for leaf in node.args[:1] if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)}
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_DETAILS" and isinstance(node.value, ast.Dict):
            reasons |= {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
    assert {"no_permission", "no_reason", "tile_missing", "not_a_note", "body_invalid", "event"} <= reasons
    assert sorted(reason for reason in reasons if f"`{reason}`" not in text) == []


def test_every_document_that_is_mentioned_is_there() -> None:
    mention = re.compile(r"(?<![\w./-])docs/[\w/-]+\.md")
    texts = [path for path in _tracked() if path.suffix in {".py", ".md", ".sql", ".txt", ".yaml", ".toml", ".cedar", ".html", ".css", ".js"}]
    mentioned = {name: _name(path) for path in texts for name in mention.findall(path.read_text("utf-8", "replace"))}
    assert mentioned
    assert {name: where for name, where in mentioned.items() if not (ROOT / name).is_file()} == {}


def test_every_row_of_a_table_has_a_cell_for_each_heading() -> None:
    wrong = []
    for path in [path for path in _tracked() if path.suffix == ".md"]:
        wanted = 0
        for line in re.sub(r"`[^`\n]*`|\\\\\\|", "", path.read_text("utf-8")).splitlines():
            cells = line.count("|") - 1 if line.startswith("|") else 0
            wrong += [f"{_name(path)}: {line[:60]}"] if wanted and cells and cells != wanted else []
            wanted = (wanted or cells) if cells else 0
    assert wrong == []


def test_every_worked_case_of_rating_is_tested() -> None:
    numbers = re.findall(r"^\| (\d+b?) \|", (ROOT / "docs/rating.md").read_text("utf-8"), re.MULTILINE)
    assert len(numbers) == 29
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*") if path.suffix in {".py", ".txt"})
    assert [number for number in numbers if not re.search(rf"^\[{number}\]|\b[Cc]ase {number}\b", tests, re.MULTILINE)] == []


def test_every_attack_has_its_test() -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs/attacks.md").read_text("utf-8"))
    there = {node.name for path in (ROOT / "tests").rglob("test_*.py") for node in _functions(_tree(path))}
    assert len(named) > 40
    assert sorted(set(named) - there) == []


def test_the_keeper_can_be_audited_in_a_day() -> None:
    from hoeksteen_keeper.bench.lines import code_lines

    assert 4_000 < code_lines() < 9_600
