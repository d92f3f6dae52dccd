"""Names of companies with their legal forms, and Chamber of Commerce numbers."""

import re
from functools import lru_cache

from hoeksteen.consolidation.standardise.text import as_written, fold, tidy

_FORMS = (
    (re.compile(r"[\s,]+gmbh\s*&\s*co\.?\s*kg$", re.IGNORECASE), "GmbH & Co. KG"),
    (re.compile(r"[\s,]+besloten vennootschap(?: met beperkte aansprakelijkheid)?$", re.IGNORECASE), "B.V."),
    (re.compile(r"[\s,]+naamloze vennootschap$", re.IGNORECASE), "N.V."),
    (re.compile(r"[\s,]+vennootschap onder firma$", re.IGNORECASE), "V.O.F."),
    (re.compile(r"[\s,]+commanditaire vennootschap$", re.IGNORECASE), "C.V."),
    (re.compile(r"[\s,]+llc$", re.IGNORECASE), "LLC"),
    (re.compile(r"[\s,]+b\.?\s?v\.?(?:\s+i\.?o\.?)?$", re.IGNORECASE), "B.V."),
    (re.compile(r"[\s,]+n\.?v\.?$", re.IGNORECASE), "N.V."),
    (re.compile(r"[\s,]+v\.?\s?o\.?\s?f\.?$", re.IGNORECASE), "V.O.F."),
    (re.compile(r"[\s,]+c\.?v\.?$", re.IGNORECASE), "C.V."),
    (re.compile(r"[\s,]+u\.?a\.?$", re.IGNORECASE), "U.A."),
    (re.compile(r"[\s,]+eenmanszaak$", re.IGNORECASE), "eenmanszaak"),
    (re.compile(r"[\s,]+maatschap$", re.IGNORECASE), "maatschap"),
    (re.compile(r"[\s,]+gmbh$", re.IGNORECASE), "GmbH"),
    (re.compile(r"[\s,]+ltd\.?$", re.IGNORECASE), "Ltd"),
)
_LEADING = (
    (re.compile(r"^stichting\s+", re.IGNORECASE), "stichting"),
    (re.compile(r"^(?:ver\.|vereniging|v\.?v\.?e\.?)\s+", re.IGNORECASE), "vereniging"),
    (re.compile(r"^co[oö]peratie(?:ve)?\s+", re.IGNORECASE), "coöperatie"),
)
# `CV KETELSERVICE` mends boilers
_BEFORE = (
    (re.compile(r"^(?:b\.\s?v\.|bv)\s+(?=\S)", re.IGNORECASE), "B.V."),
    (re.compile(r"^(?:v\.\s?o\.\s?f\.|vof)\s+(?=\S)", re.IGNORECASE), "V.O.F."),
    (re.compile(r"^c\.\s?v\.\s+(?=\S)", re.IGNORECASE), "C.V."),
    (re.compile(r"^maatschap\s+(?=\S)", re.IGNORECASE), "maatschap"),
)
_ENDS_WITH_A_FORM = re.compile("|".join(f"(?:{pattern.pattern})" for pattern, _ in _FORMS), re.IGNORECASE)
_BEGINS_WITH_A_FORM = re.compile("|".join(f"(?:{pattern.pattern})" for pattern, _ in (*_BEFORE, *_LEADING)), re.IGNORECASE)
_BY_FOLD = {
    "BV": "B.V.",
    "NV": "N.V.",
    "VOF": "V.O.F.",
    "CV": "C.V.",
    "UA": "U.A.",
    "EENMANSZAAK": "eenmanszaak",
    "STICHTING": "stichting",
    "VERENIGING": "vereniging",
    "COOPERATIE": "coöperatie",
}
_SMALL = {"van", "de", "den", "der", "het", "'t", "te", "ten", "ter", "en", "op", "aan", "in", "bij", "voor"}
_FILLERS = re.compile(r"(?:HOLDING|BEHEER|NEDERLAND|GROEP|INTERNATIONAL)$")

_FILLER_NUMBERS = {"12345678", "87654321"}


@lru_cache(maxsize=50_000)
def company(text: str) -> tuple[str | None, str | None]:
    """Take a company's name apart into its trading name, with usual capitals, and its legal form."""
    name = tidy(text)
    form = None
    for pattern, found in _FORMS if _ENDS_WITH_A_FORM.search(name) else ():
        if pattern.search(name):
            name, form = pattern.sub("", name), found
            break
    begins = form is None and _BEGINS_WITH_A_FORM.match(name) is not None
    for pattern, found in _BEFORE if begins else ():
        if pattern.search(name):
            name, form = pattern.sub("", name), found
            break
    if begins and form is None:
        # a foundation's form is part of its name
        form = next((found for pattern, found in _LEADING if pattern.search(name)), None)
    written = as_written(name)
    if written != name:
        written = " ".join(word.lower() if i and word.lower() in _SMALL else word for i, word in enumerate(written.split(" ")))
    return written or None, form


def legal_form(text: str) -> str | None:
    """Write a legal form in its usual way; one that is not known is only trimmed."""
    tidied = tidy(text)
    return _BY_FOLD.get(fold(tidied), tidied) or None


def has_legal_form(text: str) -> bool:
    """Say whether a name ends (or, for foundations and associations, begins) with a legal form."""
    return company(text)[1] is not None


def company_key(trading_name: str) -> str:
    """Fold a trading name for comparison, without the words that are there or not as it pleases the clerk."""
    return _FILLERS.sub("", fold(re.sub(r"^stichting\s+", "", trading_name, flags=re.IGNORECASE))) or fold(trading_name)


def chamber_of_commerce_number(text: str) -> str | None:
    """
    Give the eight digits of a KvK number, whose leading zeros a system may have lost; None for none, an impossible one or a filler.

    Four digits more are those of an establishment, as they were written before 2008.
    """
    digits = re.sub(r"[\s.]", "", re.sub(r"^\s*kvk(?:[\s-]*(?:nr|nummer))?[\s.:]*", "", text, flags=re.IGNORECASE))
    if re.fullmatch(r"\d{8}0000", digits, re.ASCII):
        digits = digits[:8]
    if not (digits.isascii() and digits.isdigit()) or not 5 <= len(digits) <= 8 or len(set(digits)) == 1 or digits in _FILLER_NUMBERS:
        return None
    return digits.zfill(8)
