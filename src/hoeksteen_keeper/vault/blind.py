"""
Blind indexes: finding a subject by an exact value without storing it (docs/formats.md, section 3).

A token is the first 16 bytes of HMAC-SHA-256 over the index's name and the normalised value, under a key per index. Each rotation of that
key puts a layer over it: HMAC-SHA-256 under a new key over the token before. Tokens lie in the keeper's database only. What they leak to
whoever reads that database: which subjects share a value, per index, and how many; a layer changes every token and hides none of that.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.store.database import Connection, Store
from hoeksteen_keeper.vault.categories import ALL_CATEGORIES, CATEGORIES
from hoeksteen_keeper.vault.keys import Keys

VALUE_LENGTH_MAX = 400
_TUSSENVOEGSELS = (
    "a aan aen af al am bij d da dal dall dalla das de del dela dem den der des di die do dos du een el en het in la las le les lo los of onder op "
    "over s t te ten ter tho thoe thor to toe tot uijt uit van vande vander ver vom von voor vor zu zum zur"
)
_PREFIXES = frozenset(_TUSSENVOEGSELS.split())
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
# Applied in this order after double letters became single ones; capitals are sounds that no later rule may touch.
_SOUNDS = (
    (r"sch(?=[mnlrw]|er|$)", "S"), (r"sch", "Sg"), (r"u[iy]", "U"), (r"ij|ey|ei|y", "Y"), (r"auw|ouw|au|ou|aw", "W"), (r"ae", "a"), (r"ue", "u"),
    (r"ie", "i"), (r"ph", "f"), (r"th", "t"), (r"ch|gh", "g"), (r"ck|c(?=[aoukrlt]|$)", "k"), (r"c", "s"), (r"qu", "kw"), (r"x", "ks"),
    (r"dt$|d$", "t"), (r"b$", "p"), (r"v", "f"), (r"z", "s"), (r"h(?![aeiouYW])", ""),
)  # fmt: skip
_SOUND_RULES = [(re.compile(pattern), to) for pattern, to in _SOUNDS]
_DOUBLE = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class Index:
    """
    One blind index.

    :param categories: the categories whose shredding takes its tokens along
    """

    number: int
    normalise: Callable[[str], str]
    categories: tuple[str, ...]


def surname(text: str) -> str:
    """Give a Dutch surname without case, diacritics, tussenvoegsels and punctuation: `van den Bergh-Özer` gives `berghozer`."""
    words = re.findall(r"[a-z]+", _plain(text).replace("'", " "))
    kept = [word for word in words if word not in _PREFIXES] or words
    return "".join(kept).replace("ij", "y")


def phonetic_surname(text: str) -> str:
    """Give how a Dutch surname sounds, so that `Meijer`, `Meyer` and `Meier`, `de Wit` and `de Witt`, `Jansen` and `Janssen` are equal."""
    sound = _DOUBLE.sub(r"\1", surname(text))
    for pattern, to in _SOUND_RULES:
        sound = pattern.sub(to, sound)
    return _DOUBLE.sub(r"\1", sound.lower())


def phone(text: str) -> str:
    """Give the E.164 digits of a number: 0612345678, +31 6 12345678 and 0031612345678 are equal."""
    digits = re.sub(r"\D", "", text.replace("(0)", ""))
    if digits.startswith("00"):
        return digits[2:]
    return f"31{digits[1:]}" if digits.startswith("0") else digits


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _alphanumeric(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _plain(text))


def _email(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _pair(first: Callable[[str], str], second: Callable[[str], str]) -> Callable[[str], str]:
    def normalise(text: str) -> str:
        left, _, right = text.partition("|")
        a, b = first(left), second(right)
        return f"{a}|{b}" if a and b else ""

    return normalise


def _day(text: str) -> str:
    found = re.fullmatch(r"\s*(\d{4}-\d{2}-\d{2})\s*", text)
    return found[1] if found else ""


def _address(text: str) -> str:
    postcode, _, rest = text.partition("|")
    number, _, addition = rest.partition("|")
    parts = [_alphanumeric(part) for part in (postcode, number, addition)]
    return "|".join(parts) if parts[0] and parts[1] else ""


INDEXES: Mapping[str, Index] = {
    "surname_postcode": Index(1, _pair(surname, _alphanumeric), ("identity", "contact")),
    "surname_birth_date": Index(2, _pair(phonetic_surname, _day), ("identity",)),
    "phone": Index(3, phone, ("contact",)),
    "email": Index(4, _email, ("contact",)),
    "iban": Index(5, _alphanumeric, ("payment",)),
    "address": Index(6, _address, ("contact",)),
    "number": Index(7, phone, ("contact", "traffic")),
    "customer_number": Index(8, _alphanumeric, ("identity",)),
}


def index_of(name: str) -> Index:
    """:raises KeeperInvalid: when there is no such index"""
    if name not in INDEXES:
        raise KeeperInvalid("unknown_index", f"There is no such index; there are {', '.join(INDEXES)}.")
    return INDEXES[name]


def token(key: bytes, *, index: str, value: str) -> bytes:
    """Give the token of a value, or nothing where the value says nothing after normalising."""
    if len(value) > VALUE_LENGTH_MAX:
        raise KeeperInvalid("value_too_long", f"A value of index {index} has more than {VALUE_LENGTH_MAX} characters.")
    normal = index_of(index).normalise(value)
    return hmac.digest(key, f"{index}\x00{normal}".encode(), hashlib.sha256)[:16] if normal else b""


def layered(made: bytes, layers: Sequence[bytes]) -> bytes:
    """Give what becomes of a token under the keys of later generations; of no token nothing."""
    for key in layers:
        made = hmac.digest(key, made, hashlib.sha256)[:16] if made else b""
    return made


def key_name(index: str, generation: int) -> str:
    """Give the name of the key of one generation of an index."""
    return f"index:{index}" if generation == 1 else f"index:{index}:{generation}"


def generations(tx: Connection, number: int) -> tuple[int, int]:
    """Give the generation under which an index is written, and the oldest one under which tokens may be left."""
    row = tx.execute("SELECT generation, oldest FROM vault.blind_index WHERE index_id = %s", [number]).fetchone()
    return (row[0], row[1]) if row else (1, 1)


def replace_tokens(
    tx: Connection, keys: Keys, *, index: str, terms: Sequence[tuple[UUID, Sequence[tuple[str, bytes | None]]]]
) -> None:  # fmt: skip
    """
    Store what each subject can be found by in one index, in place of what it could be found by before.

    A value that says nothing after normalising (an empty postcode) gives no token. The transaction holds off rotation, or the generation that is
    read here would not be the last one.
    """
    number = index_of(index).number
    generation, _ = generations(tx, number)
    key, *layers = _chain(keys, index, generation)
    tx.execute("DELETE FROM vault.blind_token WHERE index_id = %s AND subject = ANY(%s)", (number, [subject for subject, _ in terms]))
    rows = {(subject, made, ref) for subject, values in terms for value, ref in values if (made := token(key, index=index, value=value))}
    if rows:
        head, tail = _FIELDS + _SHORT + number.to_bytes(2, "big") + _SIXTEEN, _LONG + generation.to_bytes(4, "big")
        lines = [
            b"".join((head, subject.bytes, _SIXTEEN, layered(made, layers), _SIXTEEN + ref if ref else _NULL, tail)) for subject, made, ref in rows
        ]
        with tx.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(b"".join((_BEGIN, *lines, _END)))


def find(store: Store, keys: Keys, *, index: str, tokens: Sequence[bytes], limit: int) -> list[list[tuple[bytes, bytes | None]]]:
    """
    Give the (subject, ref) pairs of each value, in their order, under whichever generation a rotation has left or put them.

    :param tokens: of the values, under the first key
    :param limit: of pairs per token
    """
    found: list[list[tuple[bytes, bytes | None]]] = [[] for _ in tokens]
    number = index_of(index).number
    with store.transaction() as tx:
        tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")  # the generations and the tokens of one moment
        generation, oldest = generations(tx, number)
        layers = _chain(keys, index, generation)[1:]
        for g in range(oldest, generation + 1):
            made = [layered(first, layers[: g - 1]) for first in tokens]
            for position, subject, ref in tx.execute(_FIND, (made, number, g), binary=True):
                found[position - 1].append((subject.bytes, ref.bytes if ref else None))
    return [sorted(set(hits), key=lambda hit: (hit[0], hit[1] is None, hit[1] or b""))[:limit] for hits in found]


def _chain(keys: Keys, index: str, generation: int) -> list[bytes]:
    return [keys.named(key_name(index, g), make=False) for g in range(1, generation + 1)]


def shred_tokens(tx: Connection, *, subject: UUID, category: int) -> None:
    """Destroy everything that a subject can be found by, or what belongs to one category."""
    numbers = [i.number for i in INDEXES.values() if category == ALL_CATEGORIES or category in {CATEGORIES[name] for name in i.categories}]
    tx.execute("DELETE FROM vault.blind_token WHERE subject = %s AND index_id = ANY(%s)", (subject, numbers))


_COPY = "COPY vault.blind_token (index_id, subject, token, ref, generation) FROM STDIN (FORMAT BINARY)"
# of PostgreSQL's binary COPY: what begins and ends it, five fields in a row, and the lengths of fields
_BEGIN, _END, _FIELDS = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff", b"\x00\x05"
_SHORT, _LONG, _SIXTEEN, _NULL = b"\x00\x00\x00\x02", b"\x00\x00\x00\x04", b"\x00\x00\x00\x10", b"\xff\xff\xff\xff"
_FIND = """
SELECT q.position, t.subject, t.ref FROM unnest(%s::bytea[]) WITH ORDINALITY AS q (token, position)
JOIN vault.blind_token t ON t.token = q.token AND t.index_id = %s AND t.generation = %s
"""
