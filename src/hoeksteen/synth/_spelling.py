"""How names and addresses get misspelt and shortened."""

import random
from datetime import date

from hoeksteen.synth import _words
from hoeksteen.synth._people import AMBIGUOUS_BEFORE

_SOUNDS = "ij>y y>ij ck>k k>ck dt>t ei>ij ou>au s>z z>s v>f ee>e aa>a ss>s c>k"
_SOUND_ALIKES = tuple(pair.split(">") for pair in _SOUNDS.split())
_KEYS = "a:sq b:vn c:xv d:sf e:wr f:dg g:fh h:gj i:uo j:hk k:jl l:k m:n n:bm o:ip p:o r:et s:ad t:ry u:yi v:cb w:qe x:zc y:tu z:x"
_NEIGHBOURS = dict(pair.split(":") for pair in _KEYS.split())
_PREFIX_SHORT = {"van de": ("v.d.", "v/d"), "van den": ("v.d.", "v/d"), "van der": ("v.d.", "v/d"), "van": ("v.",)}
_TYPO_TRIES_MAX = 20


def misspelt(name: str, chance: random.Random) -> str:
    """Give the name with one slip of ear or hand: always another one than was meant."""
    for _ in range(_TYPO_TRIES_MAX):
        wrong = _slip(name, chance)
        if wrong != name and wrong.strip():
            return wrong
    return name + name[-1]


def _slip(name: str, chance: random.Random) -> str:
    at, draw = chance.randrange(1, len(name)) if len(name) > 1 else 0, chance.random()
    if draw < 0.3:
        sounds = [pair for pair in _SOUND_ALIKES if pair[0] in name[1:]]
        if sounds:
            heard, written = chance.choice(sounds)
            return name[0] + name[1:].replace(heard, written, 1)
    if draw < 0.5 and at + 1 < len(name):
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    if draw < 0.7 and len(name) > 3:
        return name[:at] + name[at + 1 :]
    if draw < 0.85:
        return name[:at] + name[at] + name[at:]
    return name[:at] + chance.choice(_NEIGHBOURS.get(name[at], "e")) + name[at + 1 :]


def mistyped_day(ordinal: int, chance: random.Random) -> int:
    """Give the day with day and month exchanged, or one digit wrong: a day that exists, and another one."""
    day = date.fromordinal(ordinal)
    wrong = day
    if day.day <= 12 and day.day != day.month and chance.random() < 0.6:
        wrong = day.replace(month=day.day, day=day.month)
    elif chance.random() < 0.5:
        wrong = day.replace(day=day.day + 1 if day.day < 28 else day.day - 1)
    else:
        wrong = day.replace(year=day.year + chance.choice((1, 2, 3)), day=min(day.day, 28))
    return wrong.toordinal() if wrong.toordinal() >= AMBIGUOUS_BEFORE and wrong != day else ordinal + 1


def short_prefix(prefix: str, chance: random.Random) -> str:
    """Give a tussenvoegsel as it is abbreviated, where it has an abbreviation."""
    return chance.choice(_PREFIX_SHORT.get(prefix, (prefix,)))


def short_street(street: str) -> str:
    """Give a street with its last part abbreviated: Kerkstr, Lindenln."""
    for tail, short in _words.STREET_SHORT.items():
        if street.endswith(tail) and len(street) > len(tail) + 2:
            return street[: -len(tail)] + short
    return street


def written_postcode(postcode: str, chance: random.Random) -> str:
    """Write a postcode as systems keep it."""
    draw = chance.random()
    if draw < 0.5:
        return postcode
    return f"{postcode[:4]} {postcode[4:]}" if draw < 0.95 else postcode.lower()


def stray_spaces(text: str, chance: random.Random) -> str:
    """Let one in fifty texts have a blank too many."""
    if chance.random() >= 0.02 or not text:
        return text
    return chance.choice((f" {text}", f"{text} ", text.replace(" ", "  ", 1)))
