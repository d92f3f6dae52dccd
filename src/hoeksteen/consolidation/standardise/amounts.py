"""Amounts as legacy systems write them."""

import re
from decimal import Decimal

_AMOUNTS = {
    "point": re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII),
    "comma": re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?", re.ASCII),
    "cents": re.compile(r"[+-]?\d+(?:\.0+)?", re.ASCII),
}


def amount_of(text: str, form: str) -> Decimal | None:
    """
    Read an amount in euros, exactly; None when it is written in another form: a point where a comma belongs is no thousand.

    :param form: `point`, `comma` or `cents`
    """
    if not _AMOUNTS[form].fullmatch(text):
        return None
    amount = Decimal(text.replace(".", "").replace(",", ".") if form == "comma" else text)
    return amount.scaleb(-2) if form == "cents" else amount
