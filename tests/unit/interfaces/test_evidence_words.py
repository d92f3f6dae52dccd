"""Whatever the log says of a person's data has words in both languages, and what was refused is never told as done."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hoeksteen_keeper
from hoeksteen.interfaces.web.looks import Look, looks
from hoeksteen.interfaces.web.site import environments
from hoeksteen_keeper.access.gate import KINDS
from hoeksteen_keeper.evidence.model import SEEING
from unit.interfaces.test_looks import entry

WITHOUT_WORDS = {"en": "has no words for", "nl": "geen woorden heeft"}


def _entered() -> Iterator[tuple[str, str]]:
    """Give action and outcome of what the keeper's source enters about people's data."""
    for action in KINDS:
        yield from ((action, "allowed"), (action, "refused"))
    for path in Path(next(iter(hoeksteen_keeper.__path__))).rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call):
                yield from _of(ast.unparse(call.func).rpartition(".")[2], call, {one.arg: one.value for one in call.keywords})


def _of(name: str, call: ast.Call, named: dict[str | None, ast.expr]) -> Iterator[tuple[str, str]]:
    kind = next((texts[0] for one in (named.get("kind"), *call.args) if one and (texts := _texts(one))), "")
    outcome = (_texts(named["outcome"]) if "outcome" in named else []) or ["allowed"]
    if name == "_actor_event":
        yield from ((action, outcome[0]) for action in (_texts(call.args[1]) if len(call.args) > 1 else ["add"]))
    elif name == "_enter_question":
        yield from ((action, "allowed") for action in _texts(call.args[2]))
    elif name == "admit_control" and "subject" in named:
        yield from ((action, "refused") for action in _texts(call.args[1]))
    elif (name in ("Event", "event", "enter") and kind in SEEING) or name == "_admit_traffic_write":
        yield from ((action, outcome[0]) for action in (_texts(named["action"]) if "action" in named else []))


def _texts(expression: ast.expr) -> list[str]:
    parts = (expression.body, expression.orelse) if isinstance(expression, ast.IfExp) else (expression,)
    return [one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value]


ENTERED = sorted(set(_entered()))


def said(language: str, action: str, outcome: str) -> str:
    (look,) = looks([entry(0, action=action, outcome=outcome)])
    return told(language, look)


def told(language: str, look: Look) -> str:
    template = environments("desk")[language].from_string('{% from "web/_evidence.html" import deeds_text with context %}{{ deeds_text(look) }}')
    return " ".join(template.render(look=look).split())


def test_the_list_is_what_the_keeper_enters() -> None:
    wanted = {("confirm_log_in", "refused"), ("confirm_log_in", "allowed"), ("add", "allowed"), ("end", "allowed"), ("restated", "allowed"),
              ("rotate", "allowed"), ("traffic_reseal", "allowed"), ("did_see", "allowed"), ("did_see_actor", "refused"), ("export", "allowed"),
              ("export_log", "refused"), ("administer", "refused"), ("reveal", "refused"), ("traffic_seal", "allowed")}  # fmt: skip
    assert wanted <= set(ENTERED)


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize(("action", "outcome"), ENTERED)
def test_every_action_and_outcome_has_words(language: str, action: str, outcome: str) -> None:
    text = said(language, action, outcome)
    assert WITHOUT_WORDS[language] not in text
    assert "_" not in text
    assert (outcome == "refused") == ({"en": "tried to", "nl": "probeerde"}[language] in text)


def test_what_nobody_foresaw_shows_no_code() -> None:
    for language, text in WITHOUT_WORDS.items():
        assert all(
            text in said(language, "new_thing", outcome) and "new_thing" not in said(language, "new_thing", outcome)
            for outcome in ("allowed", "refused")
        )


def test_dutch_puts_the_verb_last() -> None:
    assert said("nl", "reveal", "refused").endswith("probeerde naam en geboortedatum te zien")
    assert said("nl", "reveal", "allowed") == "zag naam en geboortedatum"
    (look,) = looks([entry(0, masked=True)])
    assert told("en", look) == 'saw name and birth date <span class="badge">masked</span>'
