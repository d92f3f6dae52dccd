"""The profile as one page for people: what needs attention first, then a card per column; it holds no script, and nothing from elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hoeksteen.consolidation.profile import ColumnProfile, Join, Profile
from hoeksteen.storage.yaml_text import read_yaml

_HERE = Path(__file__).parent / "pages"
_LEVELS = ("high", "middle", "low")
_SHARE_HIGH = 0.2  # of the filled rows: what concerns so many comes a level earlier
Language = Literal["nl", "en"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to look at: where, what, how many rows, and what to do."""

    level: str
    anchor: str
    source: str
    column: str
    what: str
    rows: int
    share: float
    remedy: str


def profile_page(*, profiles: Sequence[Profile], joins: Sequence[Join], day: date, language: Language) -> str:
    """Draw the profiles of some exports as one self-contained page of HTML."""
    words = _texts()[language]
    environment = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = lambda value: _number(value, language)
    environment.filters["percent"] = lambda value: _percent(value, language)
    issues = issues_of(profiles, language)
    marked = {issue.anchor for issue in issues if issue.level != "low"}
    return environment.get_template("profile.html").render(
        words=words,
        language=language,
        day=day,
        profiles=profiles,
        issues=issues,
        levels=_LEVELS,
        marked=marked,
        joins=joins,
        anchor=_anchor,
        level_of=lambda code, rows, column: _level(code, rows, column, language),
        issue_words=lambda code: _issue(code, language)[1],
        counts={
            "records": sum(found.records for found in profiles),
            "rejected": sum(found.rejected for found in profiles),
            "columns": sum(len(found.columns) for found in profiles),
            "to_look_at": len(marked),
        },
    )


def issues_of(profiles: Sequence[Profile], language: Language) -> list[Issue]:
    """Give what looks wrong in all columns, the most urgent first."""
    found = []
    for at, one in enumerate(profiles):
        for column in one.columns:
            for code, rows in column.suspicions:
                _, what, remedy = _issue(code, language)
                level, share = _level(code, rows, column, language), rows / max(1, column.filled)
                name = f"{column.place}.{column.name}" if column.place else column.name
                found.append(Issue(level, _anchor(at, column), one.title or one.source, name, what, rows, min(1.0, share), remedy))
    return sorted(found, key=lambda issue: (_LEVELS.index(issue.level), -issue.share, -issue.rows))


def words_of(code: str, language: Language) -> str:
    """Say what a finding or a rejection is, as the page of a profile does."""
    return _issue(code, language)[1]


def _level(code: str, rows: int, column: ColumnProfile, language: Language) -> str:
    """How urgent an issue is; what concerns many rows comes a level earlier."""
    level = _issue(code, language)[0]
    return "high" if level == "middle" and rows >= _SHARE_HIGH * column.filled and code != "one value stands out" else level


def _anchor(at: int, column: ColumnProfile) -> str:
    name = "".join(letter if letter.isalnum() else "-" for letter in f"{column.place}-{column.name}")
    return f"c{at}-{name}"


def _issue(code: str, language: Language) -> tuple[str, str, str]:
    """Give level, words and remedy of an issue; one that the table does not hold is told by its code."""
    entry = _texts()["issues"].get(code)
    if entry is None:
        return "middle", code.replace("_", " "), ""
    level, what_en, do_en, what_nl, do_nl = entry
    return (level, what_en, do_en) if language == "en" else (level, what_nl, do_nl)


@lru_cache(maxsize=1)
def _texts() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml((_HERE / "profile.yaml").read_text("utf-8"))
    return found


def _number(value: int, language: Language) -> str:
    return f"{value:,}".replace(",", "." if language == "nl" else ",")


def _percent(value: float, language: Language) -> str:
    """A share; what is not all is never shown as 100 %, and what is not nothing never as 0 %."""
    text = f"{value * 100:.1f}"
    text = "99.9" if text == "100.0" and value < 1 else "0.1" if text == "0.0" and value > 0 else text
    text = text.removesuffix(".0")
    return (text.replace(".", ",") if language == "nl" else text) + " %"
