"""
Dutch names of people: tussenvoegsels, initials, double names with either partner's name first, titles, Jr and Sr.

A name that a legacy system keeps in one field is taken apart; one that it keeps in several is only tidied. Standardising a
standardised name changes nothing.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from hoeksteen.consolidation.standardise.text import as_written, fold, shouted, tidy

_PREFIX_SINGLE = {
    "van", "de", "den", "der", "het", "'t", "te", "ten", "ter", "von", "vom", "zu", "zur", "du", "des", "la", "le", "les", "del", "della", "di", "da",
    "dos", "el", "al", "ben", "bin", "op", "in", "uit", "aan", "bij", "onder", "over", "voor", "tot", "v.d.", "v.", "v/h", "d'", "'s",
}  # fmt: skip
_PREFIX_DUTCH = {"van", "de", "den", "der", "het", "'t", "te", "ten", "ter", "op", "v.d.", "'s"}
_ABBREVIATED = {"v/d": "v.d.", "vd": "v.d.", "v.d": "v.d.", "v.d.": "v.d.", "`t": "'t", "’t": "'t", "´t": "'t"}
# what may stand before `de`, `den`, `der`, `het`, `'t` in a prefix; on its own it is no prefix of a Dutch name
_NEEDS_FOLLOWER = {"op", "in", "uit", "aan", "bij", "onder", "over", "voor", "tot", "'s"}
_FOLLOWERS = {"de", "den", "der", "het", "'t", "t", "la", "le", "ten", "ter"}

_TITLES_MALE = {"dhr", "hr", "heer"}
_TITLES_FEMALE = {"mevr", "mw", "mevrouw", "mej", "mejuffrouw", "mvr"}
_ACADEMIC = {"dr", "drs", "ir", "ing", "prof", "mr", "ds", "bc", "msc", "bsc", "jhr", "jkvr", "jonkheer", "jonkvrouw", "fam", "familie", "erven"}
_SUFFIXES = {"jr": "Jr", "jr.": "Jr", "junior": "Jr", "jun": "Jr", "sr": "Sr", "sr.": "Sr", "senior": "Sr", "sen": "Sr"}
_OF_TWO = {"en", "&", "e/o", "of"}  # `Dhr. en Mevr. Jansen`
_ELDERS = {("de", "jonge"): "Jr", ("de", "oude"): "Sr"}
_BORN = {"geb", "geb.", "geboren", "e/v", "ev", "e.v.", "e.v", "w/v", "wed.", "weduwe"}
_DIGRAPHS = ("th", "ch", "chr", "ph", "joh", "ij", "fr", "st", "wm", "ger", "corn", "jac", "alb")
_INITIAL_RUN = re.compile(r"^(?:(?:[^\W\d_]|th|chr?|ph|joh|ij|fr|st|wm)\.)+-?(?:[^\W\d_]\.?)?$", re.IGNORECASE)
_FAMILY_FIRST, _GIVEN_FIRST = "family_first", "given_first"
ORDERS = (_FAMILY_FIRST, _GIVEN_FIRST)


@dataclass(frozen=True, slots=True)
class PersonName:
    """
    A person's name in its parts.

    :param gender: `male` or `female` as far as a title says it
    :param family_name_prefix: the tussenvoegsel, in small letters
    :param maiden_name: the name at birth (with its prefix) where the source says which one that is
    :param suffix: `Jr` or `Sr`
    """

    family_name: str
    family_name_prefix: str | None = None
    initials: str | None = None
    given_name: str | None = None
    maiden_name: str | None = None
    gender: str | None = None
    suffix: str | None = None


def single_field(text: str, *, order: str = _FAMILY_FIRST) -> PersonName | None:
    """
    Take a name apart that a system keeps in one field; None when nothing of a family name is left.

    :param order: `family_first` for `BERG VAN DER J.P. DHR` and `JANSEN-DE VRIES A MEVR`, `given_first` for `Dhr. J.P. van der Berg Jr` and
        `Pieter de Vries`; with a comma (`BERG, J.P. VAN DER`) the family name always comes first
    """
    text = tidy(text.replace("’", "'").replace("`", "'").replace("´", "'"))
    head, comma, rest = text.partition(",")
    rest = rest.replace(",", " ")
    if comma and head and all(word.lower() in _SUFFIXES for word in rest.split()):
        text, comma = f"{head} {rest}", ""  # `J. van der Berg, jr.`
    words, gender = _without_titles(rest.split() if comma else text.split())
    suffix, words = _take_suffix(words)
    if order == _FAMILY_FIRST and len(words) > 3 and (elder := _ELDERS.get((words[-2].lower(), words[-1].lower()))) and _is_initials(words[-3]):
        suffix, words = suffix or elder, words[:-2]
    maiden, words = _take_maiden(words)
    words = words if comma else _double_name_with_prefix_inside(words)
    family_words: list[str] = []
    if comma:
        family_words, late = _without_titles(head.split())
        early_suffix, family_words = _take_suffix(family_words)
        early_maiden, family_words = _take_maiden(family_words)
        gender, suffix, maiden = gender or late, suffix or early_suffix, maiden or early_maiden
    if not words and not family_words:
        return None
    if comma or order == _GIVEN_FIRST or (len(words) > 1 and _INITIAL_RUN.match(words[0])):
        initials, given, prefix = _take_first_names(words, whole=not comma)
        if not comma:
            prefix, family_words = _take_prefix(prefix)
    else:
        family_words, prefix, initials = _family_first(words)
        given = None
        if initials is None and suffix is not None and "." not in text:
            # `JANSEN JR` with no other initials: the run of letters is J.R., not a junior
            initials, suffix = initials_of(suffix.upper()), None
    return _assembled(" ".join(family_words), prefix, initials, given, maiden, gender, suffix)


def in_parts(
    *,
    family_name: str | None,
    family_name_prefix: str | None = None,
    initials: str | None = None,
    given_name: str | None = None,
    maiden_name: str | None = None,
    gender: str | None = None,
) -> PersonName | None:
    """Tidy a name that a system keeps in several fields; None without a family name. The name at birth may have its prefix behind a comma."""
    family = tidy((family_name or "").replace("’", "'").replace("`", "'"))
    if not fold(family):
        return None
    suffix, words = _take_suffix(family.split())
    prefix_words, rest = _take_prefix(words)
    prefix = tidy(family_name_prefix or "").split() or prefix_words
    given = tidy(given_name or "") or None
    letters = initials_of(initials or "") or (initials_of_given(given) if given else None)
    if maiden_name:
        family_part, _, prefix_part = tidy(maiden_name).partition(",")
        maiden_prefix, maiden_rest = _take_prefix(tidy(f"{prefix_part} {family_part}").split())
        maiden_name = tidy(f"{_prefix_text(maiden_prefix) or ''} {_family_text(' '.join(maiden_rest))}") or None
    return PersonName(
        family_name=_family_text(" ".join(rest)),
        family_name_prefix=_prefix_text(prefix),
        initials=letters,
        given_name=as_written(given) if given else None,
        maiden_name=maiden_name or None,
        gender=gender,
        suffix=suffix,
    )


@lru_cache(maxsize=20_000)
def initials_of(text: str) -> str | None:
    """Write initials as `J.P.` (`Th.` and `IJ.` stay one), from `JP`, `J P`, `j.p.` and the like; None when there are none."""
    compact = tidy(text)
    if not compact:
        return None
    if "." not in compact and " " not in compact and len(compact) <= 5:
        pieces = [piece for piece in re.findall(r"IJ|[^\W\d_]", compact.upper()) if piece.isalpha()]
    else:
        pieces = [piece for piece in re.split(r"[.\s-]+", compact) if piece and piece[0].isalpha()]
        pieces = [piece if piece.lower() in _DIGRAPHS else piece[0] for piece in pieces]
    return "".join(_initial_text(piece) + "." for piece in pieces) or None


@lru_cache(maxsize=20_000)
def initials_of_given(given_name: str) -> str | None:
    """Give the initials of one or more given names, `Jan Peter` → `J.P.`."""
    pieces = [piece for piece in re.split(r"[\s.-]+", given_name) if piece and piece[0].isalpha()]
    return "".join(("IJ" if piece[:2].upper() == "IJ" else piece[0].upper()[0]) + "." for piece in pieces) or None


def surname_keys(name: PersonName) -> list[str]:
    """
    Give the folded surnames by which this person may be known: the whole, each partner's name, and the name at birth.

    The prefix does not count: systems drop it, abbreviate it and put it behind.
    """
    wholes = [name.family_name] + ([_bare(name.maiden_name)] if name.maiden_name else [])
    keys: list[str] = []
    for whole in wholes:
        parts = [part for part in whole.split("-") if part]
        for part in [whole, *([] if len(parts) < 2 else parts)]:
            key = fold(_bare(part))
            if len(key) >= 2 and key not in keys:
                keys.append(key)
    return keys or [fold(name.family_name)]


def initials_key(initials: str | None) -> str | None:
    """Give the letters that initials begin with, without dots; `Th.` counts as T, and `IJ.` as `I.J.`, which systems write alike."""
    if not initials:
        return None
    return "".join("IJ" if piece.upper() == "IJ" else fold(piece)[:1] for piece in initials.split(".") if piece) or None


def _bare(family_name: str) -> str:
    """Leave the prefix out, also inside a double name (`Jansen-de Vries` → `Jansen-Vries`)."""
    parts = []
    for part in family_name.split("-"):
        prefix, rest = _take_prefix(part.split())
        parts.append(" ".join(rest) if rest else part)
    return "-".join(parts)


def _without_titles(words: list[str]) -> tuple[list[str], str | None]:
    """Take titles off; the second value is the gender that one of them says."""
    gender: str | None = None
    left: list[str] = []
    position = 0
    while position < len(words):
        word = words[position].lower().rstrip(".").rstrip(",")
        following = words[position + 1].lower().rstrip(".") if position + 1 < len(words) else ""
        if word == "de" and following == "heer":
            gender, position = "male", position + 2
            continue
        if word in _OF_TWO and not left and position and following in _TITLES_MALE | _TITLES_FEMALE:
            return _without_titles(words[position + 1 :])[0], None
        if word in _TITLES_MALE or word in _TITLES_FEMALE:
            gender = gender or ("male" if word in _TITLES_MALE else "female")
        elif word in _ACADEMIC or "/" in word and word not in ("v/d", "e/v", "w/v", "v/h"):
            pass
        else:
            left.append(words[position])
        position += 1
    return left, gender


def _take_suffix(words: list[str]) -> tuple[str | None, list[str]]:
    found = [_SUFFIXES[word.lower()] for word in words if word.lower() in _SUFFIXES]
    if not found or len(found) == len(words):
        return None, words
    return found[0], [word for word in words if word.lower() not in _SUFFIXES]


def _take_maiden(words: list[str]) -> tuple[str | None, list[str]]:
    """`JANSEN GEB. DE VRIES`: what follows is the name at birth."""
    for position, word in enumerate(words):
        if word.lower() in _BORN and 0 < position < len(words) - 1:
            prefix, rest = _take_prefix(words[position + 1 :])
            end = len(rest)
            while end > 1 and _is_initials(rest[end - 1]):
                end -= 1
            return tidy(f"{_prefix_text(prefix) or ''} {_family_text(' '.join(rest[:end]))}"), words[:position] + rest[end:]
    return None, words


def _double_name_with_prefix_inside(words: list[str]) -> list[str]:
    """`BERG VAN DEN-JANSEN M.` says `van den` of Berg, not of Jansen: give `VAN DEN BERG-JANSEN M.`"""
    for position, word in enumerate(words):
        head, hyphen, tail = word.partition("-")
        if not hyphen or not tail or position == 0 or _lower(head) not in _PREFIX_SINGLE:
            continue
        begin = position
        while begin > 1 and _lower(words[begin - 1]) in _PREFIX_SINGLE:
            begin -= 1
        if begin == 1 and _lower(words[0]) not in _PREFIX_SINGLE:
            return [*words[1:position], head, f"{words[0]}-{tail}", *words[position + 1 :]]
    return words


def _opens_second_name(word: str) -> bool:
    """`JANSEN-DE`: a double name whose second part has a prefix of its own goes on with the next word."""
    _, hyphen, tail = word.rpartition("-")
    return bool(hyphen) and _lower(tail) in _PREFIX_DUTCH


def _is_initials(word: str) -> bool:
    if _INITIAL_RUN.match(word):
        return True
    letters = word.rstrip(".")
    if len(letters) == 1:
        return letters.isalpha()
    if word.endswith(".") and letters.lower() in _DIGRAPHS:
        return True
    return 2 <= len(letters) <= 5 and letters.isalpha() and letters.isupper() and not set(letters) & set("AEIOUYÉÈËÖÜ")


def _take_first_names(words: list[str], *, whole: bool) -> tuple[str | None, str | None, list[str]]:
    """
    Take initials, or given names, from the front.

    :param whole: the family name follows, so at least one word stays
    """
    last = len(words) - (1 if whole else 0)
    position = 0
    while position < last and _is_initials(words[position]):
        position += 1
    if position:
        return initials_of(" ".join(_spaced(word) for word in words[:position])), None, words[position:]
    while position < last and _lower(words[position]) not in _PREFIX_SINGLE and not _opens_second_name(words[position]):
        position += 1
    given = as_written(" ".join(words[:position])) or None
    return (initials_of_given(given) if given else None), given, words[position:]


def _spaced(word: str) -> str:
    """`JP` → `J P`, so that each letter is an initial of its own; `J.P.` is left to its dots."""
    if "." in word or len(word) == 1:
        return word
    return " ".join(re.findall(r"IJ|.", word))


def _family_first(words: list[str]) -> tuple[list[str], list[str], str | None]:
    """Give family name, prefix and initials of `BERG VAN DER J P`, `JANSEN-DE VRIES A`, `DE WIT A`, `BERG V D JM`."""
    end = len(words)
    if not (end > 1 and all(_lower(word) in _PREFIX_SINGLE for word in words[:-1])):
        if end > 1 and _ends_as_initials(words[-1]) and not _belongs_to_second_name(words):
            end -= 1
        while end > 1 and end < len(words) and _is_initials(words[end - 1]) and _lower(words[end - 1]) not in ("v.d.", "v."):
            end -= 1
    letters, abbreviated = words[end:], []
    bare = [letter.upper().rstrip(".") for letter in letters]
    if len(letters) > 2 and bare[:2] == ["V", "D"]:
        letters, abbreviated = letters[2:], ["v.d."]
    elif len(letters) == 2 and bare[0] == "V" and len(bare[1]) > 1:
        letters, abbreviated = letters[1:], ["v."]
    front, prefix = words[:end], list(abbreviated)
    while not abbreviated and len(front) > 1 and _lower(front[-1]) in _PREFIX_SINGLE:
        prefix.insert(0, front[-1])
        front = front[:-1]
    return front, prefix, initials_of(" ".join(_spaced(word) for word in letters)) if letters else None


def _belongs_to_second_name(words: list[str]) -> bool:
    """The last word of `TEN HAVE-VAN DER WAL` and `JANSEN-DE WIT` is a name, however short."""
    position = len(words) - 2
    while position > 0 and _lower(words[position]) in _PREFIX_SINGLE:
        position -= 1
    return _opens_second_name(words[position]) and not _INITIAL_RUN.match(words[-1])


def _ends_as_initials(word: str) -> bool:
    """Behind the family name, up to four letters are initials, with or without dots, unless they are a prefix."""
    return _lower(word) not in _PREFIX_DUTCH and (_is_initials(word) or len(word) <= 4 and word.isalpha())


def _assembled(
    family: str, prefix: list[str], initials: str | None, given: str | None, maiden: str | None, gender: str | None, suffix: str | None
) -> PersonName | None:
    own_prefix, rest = _take_prefix(family.split())
    family_name = _family_text(" ".join(rest))
    if not fold(family_name):
        return None
    stray = [word for word in prefix if _lower(word) not in _PREFIX_SINGLE]
    if stray and not given:
        given = as_written(" ".join(stray))
        initials = initials or initials_of_given(given)
    return PersonName(
        family_name=family_name,
        family_name_prefix=_prefix_text([word for word in prefix if _lower(word) in _PREFIX_SINGLE] or own_prefix),
        initials=initials,
        given_name=given,
        maiden_name=maiden or None,
        gender=gender,
        suffix=suffix,
    )


def _lower(word: str) -> str:
    lowered = word.lower()
    return _ABBREVIATED.get(lowered, lowered)


def _take_prefix(words: list[str]) -> tuple[list[str], list[str]]:
    """Split the tussenvoegsel off the front; at least one word stays."""
    position = 0
    while position < len(words) - 1:
        word = _lower(words[position])
        if word not in _PREFIX_SINGLE:
            break
        if word in _NEEDS_FOLLOWER and _lower(words[position + 1]) not in _FOLLOWERS and position == 0:
            break
        position += 1
    return words[:position], words[position:]


def _prefix_text(words: list[str]) -> str | None:
    return " ".join(_lower(word) for word in words) or None


@lru_cache(maxsize=20_000)
def _family_text(family: str) -> str:
    """Write a family name as people do, prefixes inside a double name in small letters."""
    if not shouted(family):
        return family
    done = []
    for part in re.split(r"\s*-\s*", family) if not family.lower().startswith(("'s-", "'t-")) else [family]:
        prefix, rest = _take_prefix(part.split())
        done.append(tidy(f"{_prefix_text(prefix) or ''} {as_written(' '.join(rest))}"))
    return "-".join(done)


def _initial_text(piece: str) -> str:
    return "IJ" if piece.upper() == "IJ" else piece[0].upper()[0] + piece[1:].lower()
