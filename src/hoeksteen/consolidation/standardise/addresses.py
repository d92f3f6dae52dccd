"""Dutch addresses: abbreviated streets, a house number with its addition in one field or three, and postcodes."""

import re
from dataclasses import dataclass
from functools import lru_cache

from hoeksteen.consolidation.standardise.text import as_written, fold, shouted, tidy

_ENDINGS = (
    (re.compile(r"(?<=\w)(?:str|straat)\.?$", re.IGNORECASE), "straat"),
    (re.compile(r"(?<=\w)(?:wg|weg)\.?$", re.IGNORECASE), "weg"),
    (re.compile(r"(?<=\w)(?:pln|plein)\.?$", re.IGNORECASE), "plein"),
    (re.compile(r"(?<=\w)(?:ln|laan)\.?$", re.IGNORECASE), "laan"),
    (re.compile(r"(?<=\w)(?:kd|kade)\.?$", re.IGNORECASE), "kade"),
    (re.compile(r"(?<=\w)(?:sngl|singel)\.?$", re.IGNORECASE), "singel"),
    (re.compile(r"(?<=\w)(?:gr\.|gracht)$", re.IGNORECASE), "gracht"),
    (re.compile(r"(?<=\w)(?:drf|dorp)\.?$", re.IGNORECASE), "dorp"),
    (re.compile(r"(?<=\w)(?:hf|hof)\.?$", re.IGNORECASE), "hof"),
    (re.compile(r"(?<=\w)(?:pd|pad)\.?$", re.IGNORECASE), "pad"),
    (re.compile(r"(?<=\w)(?:dk|dijk)\.?$", re.IGNORECASE), "dijk"),
)
_WORDS = {
    "str.": "straat", "str": "straat", "ln": "laan", "ln.": "laan", "wg": "weg", "wg.": "weg", "pln": "plein", "pln.": "plein", "kd": "kade",
    "kd.": "kade",
    "sngl": "singel", "sngl.": "singel", "gr": "gracht", "gr.": "gracht", "burg.": "burgemeester", "prof.": "professor", "dr.": "doctor",
    "st.": "sint",
    "v.": "van", "v.d.": "van der", "kon.": "koningin", "pr.": "prins", "gen.": "generaal", "mr.": "meester", "past.": "pastoor", "jac.": "jacob",
    "mgr.": "monseigneur", "nw.": "nieuwe", "kl.": "kleine", "ir.": "ingenieur", "ds.": "dominee",
}  # fmt: skip
_SMALL = {"van", "de", "den", "der", "het", "'t", "te", "ten", "ter", "op", "aan", "in", "en", "bij"}
_LINE = re.compile(
    r"^(?P<street>.*?\D)[\s,]*?\s(?P<number>\d{1,5})(?P<addition>(?:[\s/-]*[A-Za-z]{0,4}(?:[\s/-]*\d{1,4})?|\s*[A-Za-z0-9/ -]{1,12}))$", re.ASCII
)
_OPPOSITE = re.compile(r"^t\s?/\s?o\.?\s+(?P<before>.+)$|^(?P<street>.+?)\s+t\s?/\s?o\.?\s+(?P<number>\d.*)$", re.IGNORECASE)
_BOAT = re.compile(r"^(?:woonboot|woonschip)\s+(?P<rest>\D.*\d.*)$", re.IGNORECASE)
_NAMED_AFTER_YEARS = re.compile(
    r"^(?P<street>(?:\S+\s)?(?:plein|laan|straat|weg|hof|park|kwartier)\s+(?:'?\d{2,4}\s?-\s?'?\d{2,4}|1[89]\d\d))\s+(?P<rest>\d.*)$", re.IGNORECASE
)
_BEFORE_A_NUMBER = re.compile(r"[\s,]+(?:no|nr|nummer|num)\.?$", re.IGNORECASE)
_RUN_TOGETHER = re.compile(r"\b(prof|dr|mr|ir|ds|burg|mgr|past|gen|kon|st)\.(?=[^\W\d_])", re.IGNORECASE)
_STOREY = re.compile(r"^(\d)E?(?:ETAGE|ET|HOOG|HG|VERDIEPING|VERD)$")
_NUMBER = re.compile(r"^(\d{1,5})\s*[-/ ]?\s*(.*)$", re.ASCII)
_POSTCODE = re.compile(r"^[1-9]\d{3}(?!SA|SD|SS)[A-Z]{2}$", re.ASCII)
_ADDITIONS = {"HUIS": "HS", "BISS": "BIS", "I": "1", "II": "2", "III": "3", "IV": "4"}


@dataclass(frozen=True, slots=True)
class Address:
    """An address in the Netherlands; the addition is written without spaces and in capitals (`A`, `BIS`, `A-2` as `A2`)."""

    street: str | None
    house_number: int | None
    house_number_addition: str | None
    postcode: str | None
    city: str | None
    country: str = "NL"


@lru_cache(maxsize=100_000)
def street_name(text: str) -> str | None:
    """Write a street in full, with usual capitals: `KERKSTR` → `Kerkstraat`, `PROF. V.D. BERGLN` → `Professor van der Berglaan`."""
    words = [word for word in _RUN_TOGETHER.sub(r"\1. ", tidy(text)).strip(" ,").split(" ") if word]
    if not words:
        return None
    raised = shouted(text)
    if len(words) == 1 and words[0].lower() in ("pb", "pb."):
        return "Postbus"
    if len(words) > 1 and words[0].lower() == "gr.":
        words[0] = "grote" if words[0].islower() else "GROTE" if raised else "Grote"
    done = [_WORDS.get(word.lower(), word) for word in words[:-1]] + [_last_word(words[-1], alone=len(words) == 1)]
    joined = " ".join(done)
    if raised or joined != " ".join(words):
        joined = " ".join(word.lower() if word.lower() in _SMALL and i else as_written(word) for i, word in enumerate(joined.split(" ")))
    return joined


def street_line(text: str) -> tuple[str | None, int | None, str | None]:
    """
    Take `KERKSTR 12 A` apart into street, house number and addition; without a number the whole is the street.

    `T/O` (opposite) and a boat are additions, for the house of that number is another dwelling; a street named after years keeps them.
    """
    line = tidy(re.sub(r"(?<=\d)\s*,\s*", " ", text))
    if (opposite := _OPPOSITE.match(line)) is not None:
        street, number, _ = street_line(opposite["before"] or f"{opposite['street']} {opposite['number']}")
        return street, number, "TO"
    if (boat := _BOAT.match(line)) is not None:
        street, number, addition = street_line(boat["rest"])
        return street, number, addition or "WB"
    if (years := _NAMED_AFTER_YEARS.match(line)) is not None:
        number, addition = house_number(years["rest"])
        return street_name(years["street"]), number, addition
    found = _LINE.match(line)
    if not found:
        return street_name(line), None, None
    street = _BEFORE_A_NUMBER.sub("", found["street"])
    return street_name(street), int(found["number"]) or None, addition_text(found["addition"])


def house_number(text: str, addition: str | None = None) -> tuple[int | None, str | None]:
    """Take `12A`, `12-A` or `12` with an addition of its own field apart."""
    text, opposite = re.subn(r"^t\s?/\s?o\.?\s*", "", tidy(text), flags=re.IGNORECASE)
    found = _NUMBER.match(text)
    if opposite and found:
        return int(found[1]) or None, "TO"
    if not found or int(found[1]) == 0:
        return None, addition_text(addition or "")
    return int(found[1]), addition_text(addition or "") or addition_text(found[2])


@lru_cache(maxsize=10_000)
def addition_text(text: str) -> str | None:
    """Write an addition in one way: `-a`, ` A`, `bis`, `HUIS` and `III` become `A`, `A`, `BIS`, `HS` and `3`."""
    compact = _STOREY.sub(r"\1", re.sub(r"[^A-Z0-9]", "", text.upper()))
    return _ADDITIONS.get(compact, compact) or None


def postcode(text: str) -> str | None:
    """Write a postcode as `1234AB`; None when it is none (the combinations SA, SD and SS are not issued)."""
    compact = text.replace(" ", "").upper()
    return compact if _POSTCODE.match(compact) else None


@lru_cache(maxsize=20_000)
def city_name(text: str) -> str | None:
    """Write a place with usual capitals, the official name for the few that go by two."""
    tidied = tidy(text)
    if not tidied:
        return None
    official = {"GRAVENHAGE": "Den Haag", "SGRAVENHAGE": "Den Haag", "SHERTOGENBOSCH": "'s-Hertogenbosch", "DENBOSCH": "'s-Hertogenbosch"}.get(
        fold(tidied)
    )
    if official:
        return official
    written = as_written(tidied)
    return (
        " ".join(word.lower() if i and word.lower() in _SMALL else word for i, word in enumerate(written.split(" "))) if shouted(tidied) else written
    )


def _last_word(word: str, *, alone: bool) -> str:
    if not alone and word.lower() in _WORDS:
        return _WORDS[word.lower()]
    for pattern, whole in _ENDINGS:
        if pattern.search(word):
            replaced = pattern.sub(whole, word)
            return replaced.upper() if word.isupper() else replaced
    return word
