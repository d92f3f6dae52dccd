"""
References: how a payer names a bill, and how we name to the bank what we send.

A bill is named by its number in free text, its creditor reference (ISO 11649), or a Dutch payment mark of sixteen digits: a check digit,
three digits for the legal entity, the year and the bill's sequence.

Whatever has check digits is trusted only when they fit: a digit that was mistyped would name somebody else's bill.
"""

import re
from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from hoeksteen.billing.legal_entity import LAGE_LANDEN, payment_reference

_WEIGHTS = (2, 4, 8, 5, 10, 9, 7, 3, 6, 1)  # of the payment mark, from the right, over and over
_ENTITY_DIGITS = "001"
_CODE = LAGE_LANDEN.code
_RF = re.compile(rf"RF\d\d{_CODE}(\d{{4}})(\d{{8}})(?!\d)")
_NUMBER = re.compile(rf"(?<![A-Z0-9]){_CODE}[ -]?(\d{{4}})[ -]?(\d{{8}})(?!\d)")
_MARK = re.compile(r"(?<!\d)(?:\d{4}[ .-]?){3}\d{4}(?!\d)")
_MESSAGE = re.compile(rf"{_CODE.upper()}([0-9A-F]{{20}})")
_SIGNS = re.compile(r"[^0-9A-Z]")
_WORDS = re.compile(r"[A-Z0-9][A-Z0-9./-]*", re.ASCII)
_WORD_LENGTHS, _WORDS_MAX, _DIGITS_MIN = range(6, 36), 8, 4


def our_message_id(identifier: UUID) -> str:
    """Give the name of a file that we send to the bank."""
    return f"{_CODE}{identifier.hex[:20]}".upper()


def identifiers_of_message(message_id: str) -> tuple[UUID, UUID] | None:
    """Give the first and last identifier whose file has a name; None where no file of ours has it."""
    found = _MESSAGE.fullmatch(message_id)
    return None if found is None else (UUID(f"{found[1]:0<32}"), UUID(f"{found[1]:f<32}"))


def our_end_to_end_id(identifier: UUID, *, of: Literal["D", "R"]) -> str:
    """
    Give by which a statement names what we sent.

    :param of: a direct debit, or a refund
    """
    return f"{_CODE}{of}{identifier.hex[:12]}{identifier.hex[-16:]}".upper()


def our_mandate_reference(identifier: UUID) -> str:
    """Give by which a payer knows a mandate."""
    return f"{_CODE}-{identifier.hex[:12]}{identifier.hex[-8:]}".upper()


def is_ours(reference: str) -> bool:
    """Say whether a reference in a statement may be of something that we sent."""
    return reference.startswith(_CODE)


def bills_named(*, references: Iterable[str], text: str) -> tuple[str, ...]:
    """
    Give the numbers of the bills that a payer names, each once, in order; none where check digits do not fit.

    :param references: structured ones, each a whole field
    :param text: free text
    """
    found: dict[str, None] = {}
    for one in (*references, text):
        if one:
            found.update(dict.fromkeys(_in_text(one.upper())))
    return tuple(found)


def key_of(reference: str) -> str:
    """Give the letters and digits of a reference, in capitals: payers leave signs out, and add some."""
    return _SIGNS.sub("", reference.upper())


def words_that_may_name(*, references: Iterable[str], text: str) -> tuple[str, ...]:
    """
    Give the words of a payer that may be the number of another system's invoice: of 6 to 35 letters and digits, four digits among them.

    They are compared with the numbers that were carried over, and kept nowhere.
    """
    found: dict[str, None] = {}
    for one in (*references, text):
        for word in _WORDS.findall(one.upper()):
            key = key_of(word)
            if len(key) in _WORD_LENGTHS and sum(letter.isdigit() for letter in key) >= _DIGITS_MIN:
                found[key] = None
    return tuple(found)[:_WORDS_MAX]


def _in_text(upper: str) -> Iterable[str]:
    for year, sequence in _NUMBER.findall(upper):
        yield f"{_CODE}-{year}-{sequence}"
    if "RF" in upper:
        for match in _RF.finditer(_SIGNS.sub("", upper)):
            number = f"{_CODE}-{match[1]}-{match[2]}"
            if payment_reference(number) == match[0]:
                yield number
    for mark in _MARK.findall(upper):
        digits = _SIGNS.sub("", mark)
        if digits[1:4] == _ENTITY_DIGITS and _check_digit(digits[1:]) == digits[0]:
            yield f"{_CODE}-{digits[4:8]}-{digits[8:]}"


def _check_digit(digits: str) -> str:
    """Give 11 less the weighted sum modulo 11; 10 is written as 1, and 11 as 0."""
    total = sum(int(digit) * _WEIGHTS[place % 10] for place, digit in enumerate(reversed(digits)))
    rest = 11 - total % 11
    return {10: "1", 11: "0"}.get(rest, str(rest))
