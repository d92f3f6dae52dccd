"""The QR code from which a banking app fills a credit transfer (EPC069-12, "Quick Response code", version 002)."""

import re
from decimal import Decimal

import segno

# All eight masks are valid; choosing one spares computing the other seven, which takes longer than the rest of an invoice.
_MASK = 3
_DARK = re.compile(b"1+")
_MODULES = bytes.maketrans(b"\x00\x01", b"01")


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
    """Give the code as SVG, at error correction level M as the guideline asks; dark modules only, for the paper is the light."""
    code = segno.make_qr(transfer_text(name=name, iban=iban, amount=amount, reference=reference), error="m", boost_error=False, mask=_MASK)
    path = "".join(
        f"M{match.start()} {y}.5h{match.end() - match.start()}"
        for y, row in enumerate(code.matrix)
        for match in _DARK.finditer(row.translate(_MODULES))
    )
    size = len(code.matrix)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"><path stroke="#14283c" d="{path}"/></svg>'
