"""
One column's values as a profile counts them: how many, how often, in what shapes, and what looks wrong; values are not kept beyond the counting.

Memory is bounded: beyond a hundred thousand different values the rare ones are let go, and how many there were is estimated from the smallest of
their hashes.
"""

import heapq
import re
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b

from hoeksteen.consolidation.shapes import shape_of
from hoeksteen.consolidation.standardise import dates
from hoeksteen.consolidation.standardise.text import fold, is_placeholder

VALUES_KEPT_MAX = 100_000
SKETCH_HASHES = 1_024
_KEPT_AFTER = 2_000
_SHAPES_MAX = 5_000
_LENGTH_MAX = 200
_DAMAGE = re.compile(r"^[+-]?\d+\.0$|^\d(?:[.,]\d+)?E\+?\d+$", re.IGNORECASE)
_MIDNIGHT = re.compile(r"T2[23]:00:00Z$")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]")
_MOJIBAKE = re.compile("Ã[\x80-\xbf\u0152-\u2122]|â€|Â[\xa0-\xbf]|\ufffd|ï¿½|Ð[\x80-\xbf]")
_LIKE_A_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}|^\d{1,2}[-/]\d{1,2}[-/]\d{4}|^(?:19|20|99)\d{2}(?:0\d|1\d|00)[0-3]\d$", re.ASCII)
_NEVER = re.compile(r"^9999[-/]?\d\d|[-/]9999$")
_FILLER_DAYS = {"1900-01-01", "1901-01-01", "1911-11-11", "1753-01-01", "1899-12-30", "1899-12-31", "1970-01-01"}
_FILLER_NUMBERS = re.compile(r"^(?:0{4,}|9{4,}|1234567\d*|0612345678|0{1,2}-0{1,2}-0{4})$", re.ASCII)
KINDS = (
    ("whole number", re.compile(r"^-?\d+$")),
    ("decimal", re.compile(r"^-?\d+[.,]\d+$")),
    ("instant", re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:")),
    ("day", re.compile(r"^\d{4}-\d\d-\d\d$|^\d\d?-\d\d?-\d{4}$|^\d\d?/\d\d?/\d{4}$")),
    ("e-mail", re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")),
)
MIDNIGHT = "local midnight in UTC: use format local_midnight_utc"


class ColumnTally:
    """Counts the values of one column while they pass."""

    def __init__(self, *, keep_hashes: bool = False) -> None:
        self.rows = self.filled = 0
        self.shapes: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.suspicions: Counter[str] = Counter()
        self.years: Counter[str] = Counter()
        self.amounts: Counter[int] = Counter()
        self.lengths: list[int] = [0, 0]
        self.again = 0
        self.exact = True
        self._values: Counter[str] = Counter()
        self._heap: list[int] = []
        self._sketch: set[int] = set()
        self._hashes: set[int] | None = set() if keep_hashes else None
        self._found: Counter[str] = Counter()

    def add(self, value: str | None) -> None:
        """Count one value; blank ones are rows that are not filled."""
        self.rows += 1
        if value is None or not value.strip():
            return
        self._values[value] += 1
        if len(self._values) > VALUES_KEPT_MAX:
            self._settle()
            self.exact = False

    def close(self) -> None:
        """Settle what was counted last."""
        self._settle()

    def _settle(self) -> None:
        for value, count in self._values.items():
            self._look(value, count)
        self._found.update(self._values)
        if len(self._found) > VALUES_KEPT_MAX:
            self._found = Counter(dict(self._found.most_common(_KEPT_AFTER)))
        self._values.clear()

    def _look(self, value: str, count: int) -> None:
        self.filled += count
        shape = shape_of(value)
        if shape in self.shapes or len(self.shapes) < _SHAPES_MAX:
            self.shapes[shape] += count
        for name, pattern in KINDS:
            if pattern.match(value):
                self.kinds[name] += count
        for what in suspicions_of(value):
            self.suspicions[what] += count
        self.lengths = [min(self.lengths[0] or len(value), len(value)), max(self.lengths[1], len(value))]
        if (year := _year_of(value)) is not None:
            self.years[year] += count
        if re.fullmatch(r"-?\d{1,7}([.,]\d{1,2})?", value, re.ASCII):
            self.amounts[_bucket(float(value.replace(",", ".")))] += count
        self._remember(value, count)

    def _remember(self, value: str, count: int) -> None:
        number = int.from_bytes(blake2b((fold(value) or value).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        if number not in self._sketch:
            if len(self._heap) < SKETCH_HASHES:
                heapq.heappush(self._heap, -number)
                self._sketch.add(number)
            elif number < -self._heap[0]:
                self._sketch.discard(-heapq.heappushpop(self._heap, -number))
                self._sketch.add(number)
        if self._hashes is not None:
            exact = hash(value.strip())
            self.again += count - (exact not in self._hashes)
            self._hashes.add(exact)

    @property
    def distinct(self) -> int:
        """How many different values there are; estimated where there were too many to keep."""
        if self.exact:
            return len(self._found)
        if self._hashes is not None:
            return len(self._hashes)
        return int((SKETCH_HASHES - 1) * (1 << 64) / -self._heap[0]) if self._heap else 0

    @property
    def values(self) -> Counter[str]:
        """The values with how often; where there were too many, the most frequent."""
        return self._found

    @property
    def sketch(self) -> frozenset[int]:
        """The smallest hashes of its values, by which two columns are compared without their values."""
        return frozenset(self._sketch)


def suspicions_of(value: str) -> Iterator[str]:
    """Say what looks wrong with a value, whatever its column means."""
    text = value.strip()
    if _DAMAGE.match(text):
        yield "spreadsheet damage"
    if _MIDNIGHT.search(text):
        yield MIDNIGHT
    if is_placeholder(text):
        yield "placeholder"
    elif _FILLER_NUMBERS.match(text):
        yield "filler"
    if _LIKE_A_DAY.match(text):
        yield from _suspicious_day(text)
    if _CONTROL.search(value):
        yield "control character"
    if _MOJIBAKE.search(value):
        yield "letters of another encoding"
    if value != text:
        yield "space at an end"
    if len(value) > _LENGTH_MAX:
        yield "too long"


def _suspicious_day(text: str) -> Iterator[str]:
    head = re.split(r"[T ]", text)[0]
    if _NEVER.search(head):
        yield "year 9999"
        return
    day = next((found for form in dates.PLAIN_FORMATS if (found := dates.day(head.replace("/", "-") if form == "dd-mm-yyyy" else head, form))), None)
    if day is None:
        if "-" in head or "/" in head:
            yield "impossible day"
    elif day.isoformat() in _FILLER_DAYS:
        yield "filler day"


def _year_of(value: str) -> str | None:
    found = re.match(r"^(\d{4})-\d\d-\d\d|^\d\d?[-/]\d\d?[-/](\d{4})$|^((?:18|19|20)\d\d)(?:0[1-9]|1[0-2])[0-3]\d$", value, re.ASCII)
    return None if found is None else found[1] or found[2] or found[3]


def _bucket(amount: float) -> int:
    """The upper bound of an amount's bucket: 0, and 1, 2, 5, 10, 20, 50 … below and above it."""
    if amount == 0:
        return 0
    bound = 1
    for step in (2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000, 10_000_000):
        if abs(amount) <= bound:
            break
        bound = step
    return bound if amount > 0 else -bound
