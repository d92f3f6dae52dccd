"""The design keeps its promises: contrast, no inline style or script, every field with a label."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3] / "src/hoeksteen/interfaces"
STYLE = (ROOT / "static/app.css").read_text("utf-8")
TEMPLATES = sorted(ROOT.glob("*/templates/*.html"))
ALONE = sorted(ROOT.glob("*/templates/alone/*.html"))  # files of their own that no server sends: they carry their style along

# text on ground, as the pages use them (WCAG 2.2, 1.4.3: 4.5 to 1)
PAIRS = [
    *((text, ground) for text in ("ink", "muted") for ground in ("paper", "surface", "raised", "accent-soft")),
    *(("accent", ground) for ground in ("paper", "surface", "accent-soft")),
    *(("on-accent", ground) for ground in ("accent", "accent-hover")),
    *((tone, f"{tone}-soft") for tone in ("good", "warn", "bad")),
    *(("ink", f"{tone}-soft") for tone in ("good", "warn", "bad")),
    ("warn", "surface"),
    ("good", "surface"),
    ("surface", "bad"),
    ("bad", "surface"),
    ("warn", "raised"),
]
# borders of fields and the focus ring (1.4.11: 3 to 1)
SHAPES = [("line-strong", "surface"), ("focus", "paper"), ("focus", "surface")]


def tokens(dark: bool) -> dict[str, str]:
    light_block, dark_block = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light_block))
    return found | (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", dark_block)) if dark else {})


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_can_be_read(dark: bool) -> None:
    colours = tokens(dark)
    poor = {
        f"{text} on {ground}": round(contrast(colours[text], colours[ground]), 2)
        for text, ground in PAIRS
        if contrast(colours[text], colours[ground]) < 4.5
    }
    assert not poor


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_edges_and_focus_can_be_seen(dark: bool) -> None:
    colours = tokens(dark)
    poor = {
        f"{shape} on {ground}": round(contrast(colours[shape], colours[ground]), 2)
        for shape, ground in SHAPES
        if contrast(colours[shape], colours[ground]) < 3
    }
    assert not poor


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_a_template_has_no_inline_style_or_script(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=|<script(?![^>]*\ssrc=)|javascript:", text)
    _require_nothing_foreign(text)


@pytest.mark.parametrize("path", ALONE, ids=lambda path: path.name)
def test_a_page_that_stands_alone_has_no_script(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"\son[a-z]+\s*=|<script|javascript:", text)
    _require_nothing_foreign(text)


def _require_nothing_foreign(text: str) -> None:
    assert "| safe" not in text
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_every_form_that_changes_something_carries_the_token(path: Path) -> None:
    for form in re.findall(r"<form\b.*?</form>", path.read_text("utf-8"), re.DOTALL):
        if 'method="post"' in form:
            assert 'name="csrf" value="{{ visitor.csrf }}"' in form


def test_colours_are_named_once() -> None:
    rules = re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", rules) == []
