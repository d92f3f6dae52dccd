"""The QR code from which a banking app fills a credit transfer (EPC069-12, "Quick Response code", version 002)."""

import re
from decimal import Decimal
from functools import lru_cache

import segno

# All eight masks are valid; choosing one spares computing the other seven, which takes longer than the rest of an invoice.
_MASK = 3
_DARK = re.compile("1+")
_SHAPES_MAX = 64


def transfer_text(*, name: str, iban: str, amount: Decimal, reference: str) -> str:
    """
    Give the text inside the code: service tag, version, UTF-8, SEPA credit transfer, no BIC (not needed in the EEA), beneficiary, amount, reference.

    :param amount: euros, 0.01 to 999,999,999.99
    :param reference: a structured creditor reference (ISO 11649)
    :raises ValueError: when the amount lies outside its bounds
    """
    if not Decimal("0.01") <= amount <= Decimal("999999999.99"):
        raise ValueError("a credit transfer is of at least a cent")
    return "\n".join(["BCD", "002", "1", "SCT", "", name[:70], iban, f"EUR{amount:.2f}", "", reference])


def payment_qr_svg(*, name: str, iban: str, amount: Decimal, reference: str) -> str:
    """
    Give the code as SVG, at error correction level M as the guideline asks; dark modules only, for the paper is the light.

    Modules are filled and not stroked: a filled path goes into a PDF as it is, a stroke is worked out first and costs more than an invoice.
    """
    text = transfer_text(name=name, iban=iban, amount=amount, reference=reference)
    beginning = text[: text.index(f"\nEUR{amount:.2f}\n")].encode()  # equal on all invoices
    size, modules = _shape(len(text.encode()), beginning).draw(text.encode())
    rows = (modules[start : start + size] for start in range(0, size * size, size))
    path = "".join(
        f"M{match.start()} {y}h{match.end() - match.start()}v1H{match.start()}z" for y, row in enumerate(rows) for match in _DARK.finditer(row)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"><path fill="#14283c" d="{path}"/></svg>'


class _Shape:
    """
    Codes of one length that begin alike.

    With its mask chosen, a code is affine in its text: each bit of the text flips the same modules, those of its own place
    and of the error correction, whatever the others are. So what a letter in a place flips is found once, from two whole
    codes, and every further code is a handful of exclusive ors.
    """

    def __init__(self, length: int, beginning: bytes) -> None:
        self._base = beginning + b"0" * (length - len(beginning))
        self._size, self._modules = _whole(self._base)
        self._flips: dict[tuple[int, int], int] = {}
        self._first = len(beginning)

    def draw(self, text: bytes) -> tuple[int, str]:
        """Give the size of the code, and its modules row by row as `0` and `1`."""
        modules = self._modules
        for place in range(self._first, len(text)):
            letter = text[place]
            if letter != self._base[place]:
                flips = self._flips.get((place, letter))
                if flips is None:
                    other = self._base[:place] + text[place : place + 1] + self._base[place + 1 :]
                    flips = self._flips[place, letter] = _whole(other)[1] ^ self._modules
                modules ^= flips
        return self._size, f"{modules:0{self._size * self._size}b}"


@lru_cache(maxsize=_SHAPES_MAX)
def _shape(length: int, beginning: bytes) -> _Shape:
    return _Shape(length, beginning)


def _whole(text: bytes) -> tuple[int, int]:
    """Give the size of a code and all its modules as the bits of a number, the first row first."""
    code = segno.make_qr(text.decode(), error="m", boost_error=False, mask=_MASK, mode="byte")
    return len(code.matrix), int("".join("1" if module else "0" for row in code.matrix for module in row), 2)
