"""What a page says, in Dutch or English: translations, and how money, days, instants and amounts of usage are written."""

import gettext
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import phonenumbers
from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal

from hoeksteen.kernel.errors import Unavailable
from hoeksteen.kernel.time_period import OPERATOR_ZONE, local_day

LANGUAGES = ("nl", "en")
_LOCALES = {"nl": Locale("nl", "NL"), "en": Locale("en", "GB")}
_GIGABYTE, _MEGABYTE, _KILOBYTE = 10**9, 10**6, 10**3


def marked(text: str) -> str:
    """Mark a text for translation where it is named; it is translated where it is shown."""
    return text


class Words:
    """One language of the pages; English is the language of the source."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = _LOCALES[language]
        self.translations = _translations(language)

    def gettext(self, text: str) -> str:
        return self.translations.gettext(text)

    def money(self, amount: Decimal) -> str:
        """Write euros with two decimals."""
        return format_currency(amount, "EUR", locale=self._locale)

    def number(self, value: int | Decimal) -> str:
        return format_decimal(value, locale=self._locale)

    def percent(self, value: Decimal) -> str:
        """Write a percentage that is given in percent."""
        return f"{format_decimal(value, format='#,##0.##', locale=self._locale)} %"

    def signed(self, value: float) -> str:
        """Write a figure with one decimal and its sign, such as bits of evidence; nothing is neither for nor against."""
        return format_decimal(value, format="+0.0;-0.0", locale=self._locale) if round(value, 1) else "0"

    def day(self, day: date | datetime) -> str:
        """Write a day; of an instant, the operator's local day."""
        return format_date(local_day(day) if isinstance(day, datetime) else day, format="d MMM y", locale=self._locale)

    def iso_day(self, text: str) -> str:
        """Write a day that is given as `YYYY-MM-DD`; of a masked one what is left of it."""
        try:
            return self.day(date.fromisoformat(text))
        except ValueError:
            return text

    def month(self, day: date) -> str:
        return format_date(day, format="LLLL y", locale=self._locale)

    def instant(self, instant: datetime) -> str:
        """Write an instant in the operator's time zone, to the second."""
        return format_datetime(instant, format="d MMM y HH:mm:ss", tzinfo=OPERATOR_ZONE, locale=self._locale)

    def minute(self, instant: datetime) -> str:
        """Write an instant in the operator's time zone, to the minute."""
        return format_datetime(instant, format="d MMM y HH:mm", tzinfo=OPERATOR_ZONE, locale=self._locale)

    def country(self, code: str) -> str:
        """Write a country by its name; a code that is none stays as it is."""
        return str(self._locale.territories.get(code, code))

    def allowance(self, service: str, units: int) -> str:
        """Write how much a plan includes; what nobody can use up is unlimited."""
        if self.is_unlimited(service, units):
            return self.gettext("unlimited")
        return f"{self.number(units // 60)} min" if service == "voice" and units % 60 == 0 else self.units(service, units)

    def is_unlimited(self, service: str, units: int) -> bool:
        """Say whether an allowance is more than a month can use: a line that is never put down, a message a second, a petabyte."""
        return units >= {"voice": 31 * 86_400, "sms": 1_000_000, "data": 10**15}.get(service, units + 1)

    def phone(self, digits: str) -> str:
        """Write an E.164 number as people do: `+31 6 12345678`; a masked one stays as it is."""
        try:
            number = phonenumbers.parse(f"+{digits.lstrip('+')}")
        except phonenumbers.NumberParseException:
            return digits
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL) if digits.lstrip("+").isdigit() else digits

    def units(self, service: str, units: int) -> str:
        """Write an amount of usage: seconds as minutes, bytes as MB or GB, messages as they are; what was taken back with a minus sign."""
        if units < 0:
            return f"\u2212{self.units(service, -units)}"
        if service == "voice":
            return f"{self.number(units // 60)}:{units % 60:02d} min"
        if service == "data":
            size, name = (_GIGABYTE, "GB") if abs(units) >= _GIGABYTE else (_MEGABYTE, "MB") if abs(units) >= _MEGABYTE else (_KILOBYTE, "kB")
            return f"{format_decimal(Decimal(units) / size, format='#,##0.##', locale=self._locale)} {name}"
        return self.number(units)


@cache
def words(language: str) -> Words:
    """
    Give the words of a language.

    :raises Unavailable: when set-up did not compile the translations
    """
    return Words(language)


def chosen_language(*, cookie: str | None, accepted: str, fallback: str = "nl") -> str:
    """Give the language that a visitor chose, or the first one of ours that their browser accepts."""
    if cookie in LANGUAGES:
        return cookie
    for part in accepted.split(","):
        if (code := part.partition(";")[0].strip()[:2].lower()) in LANGUAGES:
            return code
    return fallback


class Known(dict[str, Any]):
    """The fields of a category as they were revealed, and the maps inside them; a field that is not known is None."""

    def __init__(self, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__({name: _known(value) for name, value in (fields or {}).items()})

    def __missing__(self, name: str) -> None:
        return None


def _known(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Known(value)
    return [_known(one) for one in value] if isinstance(value, list) else value


def personal_name(fields: Mapping[str, object]) -> str:
    """Write the name of an individual or organization from its identity fields, as far as they are known or shown."""
    if fields.get("kind") == "organization":
        return str(fields.get("trading_name") or "—")
    first = fields.get("given_name") or fields.get("initials")
    parts = [first, fields.get("family_name_prefix"), fields.get("family_name")]
    return " ".join(str(part) for part in parts if part) or "—"


def grouped_iban(iban: str) -> str:
    """Write an IBAN in groups of four, as on a bank card; a masked one stays as it is."""
    return iban if "•" in iban else " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


def spaced_postcode(postcode: str) -> str:
    """Write a Dutch postcode with its space."""
    return f"{postcode[:4]} {postcode[4:]}" if len(postcode) == 6 and postcode[:4].isdigit() else postcode


def _translations(language: str) -> gettext.NullTranslations:
    if language == "en":
        return gettext.NullTranslations()
    with resources.as_file(resources.files("hoeksteen.interfaces").joinpath("locale")) as folder:
        file = Path(folder) / language / "LC_MESSAGES" / "messages.mo"
        if not file.exists():
            raise Unavailable(f"The translations into {language} are not compiled.", remedy="Run `make setup`, which compiles them.")
        with file.open("rb") as opened:
            return gettext.GNUTranslations(opened)
