"""
The small language of `from` in a mapping: `concat(VOORL, ' ', NAAM)`.

An expression reads columns of one record and gives one text. It has no loops, no names but columns and the functions below, and bounds on
its length, its depth and everything it makes; a mapping that comes from somebody else can do no harm with it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache

LENGTH_MAX = 1_000
DEPTH_MAX = 20
TEXT_MAX = 1_000
_PLACES_MAX = 500
_PAD_MAX = 60
_CONTEXT = Context(prec=34, rounding=ROUND_HALF_UP, traps=[DivisionByZero, InvalidOperation, Overflow])
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,12})?", re.ASCII)
_COMMA = re.compile(r"[+-]?(\d{1,18}|\d{1,3}(\.\d{3}){1,5})(,\d{1,12})?", re.ASCII)
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d{1,18}(?:\.\d{1,12})?)|(?P<text>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|`(?P<quoted>[^`]+)`|(?P<name>@?[^\W\d][\w.@]*)|(?P<sign>[()+\-*/,]))",
)  # fmt: skip

Row = Mapping[str, str | None]
Value = str | Decimal | bool
Computation = Callable[[Row], Value]


class ExpressionFault(ValueError):
    """What is wrong with an expression, for whoever writes the mapping."""


class ValueFault(Exception):
    """
    What stops an expression on one record; never holds a value.

    :ivar code: the code of the record's fault
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Expression:
    """
    A parsed expression.

    :param columns: the columns that it reads
    """

    columns: frozenset[str]
    computation: Computation

    def value(self, row: Row) -> str:
        """
        Compute the text for one record; an unknown column counts as empty.

        :raises ValueFault: when a column is no number where one is needed, or the result is too long
        """
        return _as_text(self.computation(row))


@lru_cache(maxsize=2_000)
def parse(text: str) -> Expression:
    """
    Parse an expression.

    :raises ExpressionFault: saying what is wrong and where
    """
    if len(text) > LENGTH_MAX:
        raise ExpressionFault(f"is longer than {LENGTH_MAX} characters")
    parser = _Parser(text)
    kind, computation = parser.sum(0)
    parser.end()
    if kind == "truth":
        raise ExpressionFault("gives true or false; write when(…, 'this', 'that')")
    return Expression(frozenset(parser.columns), computation)


class _Parser:
    """Reads an expression from left to right; each method gives what its part is (text, number or truth) and how it is computed."""

    def __init__(self, text: str) -> None:
        self.columns: set[str] = set()
        self._tokens, self._at = list(_tokens(text)), 0

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise ExpressionFault(f"{self._tokens[self._at][1]!r} at character {self._tokens[self._at][2]} is too much")

    def sum(self, depth: int) -> tuple[str, Computation]:
        return self._chain("+-", self._product, depth)

    def _product(self, depth: int) -> tuple[str, Computation]:
        return self._chain("*/", self._term, depth)

    def _chain(self, signs: str, part: Callable[[int], tuple[str, Computation]], depth: int) -> tuple[str, Computation]:
        kind, left = part(depth)
        while (sign := self._peek()) and sign in signs:
            self._at += 1
            other, right = part(depth)
            if "truth" in (kind, other):
                raise ExpressionFault(f"{sign} needs numbers on both sides")
            kind, left = "number", _calculation(sign, left, right)
        return kind, left

    def _term(self, depth: int) -> tuple[str, Computation]:
        if depth > DEPTH_MAX:
            raise ExpressionFault(f"is nested deeper than {DEPTH_MAX}")
        if self._at >= len(self._tokens):
            raise ExpressionFault("ends too early")
        kind, text, place = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            number = Decimal(text)
            return "number", lambda row: number
        if kind == "text":
            return "text", lambda row: text
        if kind == "quoted":
            return self._column(text)
        if kind == "name":
            return self._call(text, place, depth) if self._peek() == "(" else self._column(text)
        if text == "-":
            of, inner = self._term(depth + 1)
            if of == "truth":
                raise ExpressionFault("- needs a number")
            return "number", lambda row: -_number(inner(row))
        if text == "(":
            found = self.sum(depth + 1)
            self._take(")")
            return found
        raise ExpressionFault(f"{text!r} at character {place} is not expected there")

    def _column(self, name: str) -> tuple[str, Computation]:
        self.columns.add(name)
        return "text", lambda row: _text_of(row.get(name))

    def _call(self, name: str, place: int, depth: int) -> tuple[str, Computation]:
        if name not in FUNCTIONS:
            raise ExpressionFault(f"{name} at character {place} is no function; known are {', '.join(sorted(FUNCTIONS))}")
        function = FUNCTIONS[name]
        self._take("(")
        parts: list[tuple[str, Computation]] = []
        while self._peek() != ")":
            if parts:
                self._take(",")
            parts.append(self.sum(depth + 1))
        self._take(")")
        least, most = function.takes
        if not least <= len(parts) <= most:
            raise ExpressionFault(f"{name} takes {least if least == most else f'{least} to {most}'} values, not {len(parts)}")
        for number, (kind, _) in enumerate(parts):
            wanted = function.kinds[min(number, len(function.kinds) - 1)]
            if wanted == "truth" and kind != "truth":
                raise ExpressionFault(f"value {number + 1} of {name} must be a condition: equals, filled, starts, all, any or not")
            if wanted != "truth" and kind == "truth":
                raise ExpressionFault(f"value {number + 1} of {name} must be a text or a number, not a condition")
        computed = [computation for _, computation in parts]
        work = function.work
        return function.gives, lambda row: work([computation(row) for computation in computed])

    def _peek(self) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at][0] == "sign":
            return self._tokens[self._at][1]
        return ""

    def _take(self, sign: str) -> None:
        if self._peek() != sign:
            found = self._tokens[self._at][1] if self._at < len(self._tokens) else "the end"
            raise ExpressionFault(f"{sign} is missing before {found}")
        self._at += 1


def _tokens(text: str) -> list[tuple[str, str, int]]:
    found, at = [], 0
    while text[at:].strip():
        token = _TOKEN.match(text, at)
        if token is None:
            raise ExpressionFault(f"character {at + 1} begins nothing that is known; a column with such a name is written between `backticks`")
        kind = token.lastgroup or ""
        value = token[kind]
        if kind == "text":
            value = value[1:-1].replace(value[0] * 2, value[0])
        found.append((kind, value, token.start(kind) + 1))
        at = token.end()
    return found


# what values are -----------------------------------------------------------------------------------------------------


def _text_of(value: str | None) -> str:
    text = value or ""
    if len(text) > TEXT_MAX:
        raise ValueFault("too_long")
    return text


def _as_text(value: Value) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if len(text := str(value)) > TEXT_MAX:
        raise ValueFault("too_long")
    return text


def _number(value: Value) -> Decimal:
    if isinstance(value, Decimal):
        return value
    text = str(value).strip()
    if not _NUMBER.fullmatch(text):
        raise ValueFault("not_a_number")
    return Decimal(text)


def _place(value: Value) -> int:
    number = _number(value)
    if number != number.to_integral_value() or abs(number) > _PLACES_MAX:
        raise ValueFault("not_a_number")
    return int(number)


def _calculation(sign: str, left: Computation, right: Computation) -> Computation:
    work = {"+": _CONTEXT.add, "-": _CONTEXT.subtract, "*": _CONTEXT.multiply, "/": _CONTEXT.divide}[sign]

    def calculate(row: Row) -> Decimal:
        try:
            return work(_number(left(row)), _number(right(row)))
        except (DivisionByZero, InvalidOperation, Overflow):
            raise ValueFault("not_a_number") from None

    return calculate


# functions -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Function:
    """
    A function of the language.

    :param takes: the least and the most values
    :param kinds: what each value must be; the last holds for all that follow
    """

    takes: tuple[int, int]
    kinds: tuple[str, ...]
    gives: str
    work: Callable[[Sequence[Value]], Value]


def _concat(values: Sequence[Value]) -> str:
    return _as_text("".join(_as_text(value) for value in values))


def _coalesce(values: Sequence[Value]) -> str:
    return next((text for value in values if (text := _as_text(value)).strip()), "")


def _split(values: Sequence[Value]) -> str:
    text, by, place = _as_text(values[0]), _as_text(values[1]), _place(values[2])
    parts = text.split(by) if by else text.split()
    return parts[place - 1 if place > 0 else place].strip() if place and abs(place) <= len(parts) else ""


def _slice(values: Sequence[Value]) -> str:
    text, first = _as_text(values[0]), _place(values[1])
    last = _place(values[2]) if len(values) > 2 else len(text)
    begin = first - 1 if first > 0 else max(len(text) + first, 0)
    return text[begin : last if last >= 0 else len(text) + last + 1]


def _replace(values: Sequence[Value]) -> str:
    text, old, new = (_as_text(value) for value in values)
    if old and len(text) + text.count(old) * max(len(new) - len(old), 0) > TEXT_MAX:
        raise ValueFault("too_long")
    return text.replace(old, new) if old else text


def _pad(values: Sequence[Value]) -> str:
    text, width, fill = _as_text(values[0]), _place(values[1]), _as_text(values[2])
    if not 0 <= width <= _PAD_MAX or len(fill) != 1:
        raise ValueFault("too_long")
    return text.rjust(width, fill) if text else text


def _number_of(values: Sequence[Value]) -> Decimal:
    text, form = _as_text(values[0]).strip(), _as_text(values[1])
    if form == "comma" and _COMMA.fullmatch(text):
        return _number(text.replace(".", "").replace(",", "."))
    if form == "cents" and _NUMBER.fullmatch(text):
        return _number(text).scaleb(-2)
    if form == "point":
        return _number(text)
    raise ValueFault("not_a_number")


def _round(values: Sequence[Value]) -> Decimal:
    digits = _place(values[1])
    if not 0 <= digits <= 12:
        raise ValueFault("not_a_number")
    return _CONTEXT.quantize(_number(values[0]), Decimal(1).scaleb(-digits))


def _equals(values: Sequence[Value]) -> bool:
    first = _as_text(values[0]).strip()
    return any(first == _as_text(value).strip() for value in values[1:])


_MANY = 50
FUNCTIONS: dict[str, Function] = {
    "concat": Function((1, _MANY), ("text",), "text", _concat),
    "coalesce": Function((1, _MANY), ("text",), "text", _coalesce),
    "split": Function((3, 3), ("text",), "text", _split),
    "slice": Function((2, 3), ("text",), "text", _slice),
    "upper": Function((1, 1), ("text",), "text", lambda values: _as_text(values[0]).upper()),
    "lower": Function((1, 1), ("text",), "text", lambda values: _as_text(values[0]).lower()),
    "trim": Function((1, 1), ("text",), "text", lambda values: " ".join(_as_text(values[0]).split())),
    "replace": Function((3, 3), ("text",), "text", _replace),
    "pad": Function((3, 3), ("text",), "text", _pad),
    "when": Function((3, 3), ("truth", "text"), "text", lambda values: values[1] if values[0] else values[2]),
    "number": Function((2, 2), ("text",), "number", _number_of),
    "round": Function((2, 2), ("text",), "number", _round),
    "equals": Function((2, _MANY), ("text",), "truth", _equals),
    "filled": Function((1, 1), ("text",), "truth", lambda values: bool(_as_text(values[0]).strip())),
    "starts": Function((2, 2), ("text",), "truth", lambda values: _as_text(values[0]).startswith(_as_text(values[1]))),
    "not": Function((1, 1), ("truth",), "truth", lambda values: not values[0]),
    "all": Function((1, _MANY), ("truth",), "truth", lambda values: all(values)),
    "any": Function((1, _MANY), ("truth",), "truth", lambda values: any(values)),
}
