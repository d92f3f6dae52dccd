"""The words of the pages, in Dutch and English (`texts.yaml`)."""

from collections.abc import Mapping
from importlib import resources

import yaml

LANGUAGES = ("nl", "en")


def _catalogues() -> Mapping[str, Mapping[str, str]]:
    raw = resources.files("hoeksteen_keeper").joinpath("pages", "texts.yaml").read_text("utf-8")
    texts: dict[str, tuple[str, str]] = yaml.load(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # read at each start
    return {language: {key: pair[number] for key, pair in texts.items()} for number, language in enumerate(LANGUAGES)}


CATALOGUES = _catalogues()


def language_of(accept: str, chosen: str | None) -> str:
    """Give the language that a reader chose, or else the first that the browser names, or else Dutch."""
    if chosen in LANGUAGES:
        return str(chosen)
    named = [part.split(";")[0].strip()[:2].lower() for part in accept.split(",")]
    return next((language for language in named if language in LANGUAGES), "nl")
