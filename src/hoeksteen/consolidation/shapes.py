"""The shape of a value: what can be shown of it without showing it."""

import re

SHAPE_LENGTH_MAX = 24
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[^\W\d_]")


def shape_of(value: str) -> str:
    """Give a value with every digit as 9 and every letter as A; what is long is cut off."""
    shape = _LETTER.sub("A", _DIGIT.sub("9", value[: SHAPE_LENGTH_MAX + 1]))
    return shape if len(shape) <= SHAPE_LENGTH_MAX else shape[:SHAPE_LENGTH_MAX] + "…"
