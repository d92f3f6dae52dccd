"""The shape of a value: what can be shown of it without showing it."""

SHAPE_LENGTH_MAX = 24


def shape_of(value: str) -> str:
    """Give a value with every digit as 9 and every letter as A; what is long is cut off."""
    shape = "".join("9" if letter.isdigit() else "A" if letter.isalpha() else letter for letter in value[: SHAPE_LENGTH_MAX + 1])
    return shape if len(shape) <= SHAPE_LENGTH_MAX else shape[:SHAPE_LENGTH_MAX] + "…"
