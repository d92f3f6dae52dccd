"""IBANs: written without spaces, and checked (ISO 13616; check digits run from 02 to 98)."""

import re

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from hoeksteen.kernel.check_digits import iban_holds
from hoeksteen.kernel.errors import InvalidInput


def plain(text: str) -> str:
    """Give an IBAN without spaces, in capitals."""
    return re.sub(r"\s", "", text).upper()


def bank_of(iban: str) -> str:
    """Give the country and bank of a plain IBAN; where its country says nothing of banks, the whole, as if each account had its own."""
    try:
        found = IBAN(iban)
        return f"{found.country_code}{found.bank_code or iban}"
    except SchwiftyException:
        return iban


def checked(text: str, *, field: str) -> str:
    """
    Give an IBAN that exists in its country's form.

    :raises InvalidInput: when it does not; the message never holds it
    """
    iban = plain(text)
    try:
        if iban_holds(iban):
            IBAN(iban)
            return iban
    except SchwiftyException:
        pass
    raise InvalidInput(f"The field {field} holds an IBAN whose check fails.", remedy="Ask for it again, and copy it whole.", field=field)
