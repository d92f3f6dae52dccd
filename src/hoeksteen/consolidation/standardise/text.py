"""Folding text for comparison, and writing upper-case legacy text the way people write it."""

import unicodedata
from functools import lru_cache

_SPECIAL = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i"}
)

_NOBODYS_NAME = {"onbekend", "unknown", "n/a", "n/b", "niet bekend", "niet van toepassing", "not applicable", "xxx", "xxxx"}
_NOTHING = {"geen", "null", "none", "nil", "nvt", "n.v.t.", "n.v.t", "nb", "n.b.", "na", "n.a.", "leeg", "empty", "nan", "undefined", "x", "xx"}


@lru_cache(maxsize=200_000)
def fold(text: str) -> str:
    """
    Reduce a text to upper-case letters and digits, so that spelling habits of a system do not count.

    Accents and everything that is neither letter nor digit fall away; the Dutch `ij` becomes `Y`, because old systems write either. A text
    without a Latin letter keeps its own letters: two names of which nothing is left would be the same.
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(_SPECIAL))
    plain = decomposed.encode("ascii", "ignore").decode().upper()
    folded = "".join(letter for letter in plain if letter.isalnum()).replace("IJ", "Y")
    return folded or "".join(letter for letter in decomposed.upper() if letter.isalpha())


@lru_cache(maxsize=200_000)
def phonetic(text: str) -> str:
    """
    Give a coarse Dutch sound key of a name: what sounds alike, or is mistyped most often, falls together.

    It only proposes pairs to compare, it never decides; the keeper has a phonetic index of its own.
    """
    key = fold(text)
    for old, new in _SOUNDS:
        key = key.replace(old, new)
    head, tail = key[:1], "".join(letter for letter in key[1:] if letter not in "AEIOUYH")
    squeezed = [head]
    for letter in tail:
        if letter != squeezed[-1]:
            squeezed.append(letter)
    return "".join(squeezed)[:6]


_SOUNDS = (
    ("SCH", "S"), ("TH", "T"), ("PH", "F"), ("GH", "G"), ("CH", "G"), ("CK", "K"), ("QU", "KW"), ("SZ", "S"), ("TZ", "S"),
    ("DT", "T"), ("X", "KS"), ("C", "K"), ("Z", "S"), ("V", "F"), ("W", "F"), ("D", "T"), ("B", "P"), ("Q", "K"), ("J", "Y"),
)  # fmt: skip


def tidy(text: str) -> str:
    """Trim a text and squeeze its runs of white space (also the non-breaking kind) to one space."""
    return " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())


def is_placeholder(text: str, *, of_a_name: bool = False) -> bool:
    """
    Say whether a value only says that nothing is known: punctuation alone, `N/A`, `ONBEKEND`, `NULL`.

    :param of_a_name: people are called Null, Geen and N.V.T.; nobody is called `onbekend`
    """
    if text[:1].isdigit():
        return False
    word = text.strip("<>()[]#*").casefold()
    says_something = word[:1].isalnum() or any(letter.isalnum() for letter in word)
    return not says_something or word in _NOBODYS_NAME or (not of_a_name and word in _NOTHING)


def shouted(text: str) -> bool:
    """Say whether a text has letters but no capitals beside small letters, as systems without lower case store it."""
    return text.upper() == text or text.lower() == text


def as_written(text: str) -> str:
    """
    Give a name or street that a system stored in one case with its usual capitals; mixed case is left as it is.

    `IJSSELMUIDEN` becomes `IJsselmuiden`, `'S-GRAVENLAND` becomes `'s-Gravenland`, `DE VRIES-JANSEN` keeps `de` small only where
    the caller splits the prefix off first.
    """
    if not shouted(text):
        return text
    return " ".join(_capitalised(word) for word in text.lower().split(" "))


def _capitalised(word: str) -> str:
    if "." in word and all(len(piece) <= 1 for piece in word.split(".")):
        return word.upper()
    parts = word.split("-")
    done = []
    for part in parts:
        if part in ("'s", "'t"):
            done.append(part)
        elif part.startswith("ij"):
            done.append("IJ" + part[2:])
        elif part[:2] in ("d'", "l'", "o'") and len(part) > 2:
            done.append(part[0].upper() + "'" + part[2:].capitalize())
        else:
            done.append(part.capitalize())
    return "-".join(done)
