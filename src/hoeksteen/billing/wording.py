"""How a bill speaks, in Dutch and English: amounts, days and the text of each line; used by documents and pages alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.dates import format_date

from hoeksteen.billing.granted import CHARGE, INSTALMENT
from hoeksteen.billing.model import AppliedCustomerBillingRate, RateKind
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import OPERATOR_ZONE, BillPeriod
from hoeksteen.product.model import NamedZone, ProductOffering
from hoeksteen.product.named_zones import zone_name

_BYTES_PER_UNIT = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))
_SHORT_CODE_DIGITS = 7  # fewer are no number of E.164
_NARROW_SPACE = "\u202f"
_EN_DASH = "\u2013"
_MINUS = "\u2212"

_USAGE = {
    ("voice", "NL"): ("Bellen in Nederland", "Calls in the Netherlands"),
    ("voice", "EU"): ("Bellen naar de EU", "Calls to the EU"),
    ("voice", "WORLD"): ("Bellen naar de rest van de wereld", "Calls to the rest of the world"),
    ("voice", "NL-SERVICE"): ("Bellen naar servicenummers (0900)", "Calls to service numbers (0900)"),
    ("voice", "NL-FREE"): ("Bellen naar gratis nummers", "Calls to free numbers"),
    ("sms", "NL"): ("Sms in Nederland", "Text messages in the Netherlands"),
    ("sms", "EU"): ("Sms naar de EU", "Text messages to the EU"),
    ("sms", "WORLD"): ("Sms naar de rest van de wereld", "Text messages to the rest of the world"),
    ("sms", "NL-SERVICE"): ("Sms naar servicenummers", "Text messages to service numbers"),
    ("sms", "NL-FREE"): ("Sms naar gratis nummers", "Text messages to free numbers"),
    ("data", "NL"): ("Data in Nederland", "Data in the Netherlands"),
    ("data", "EU"): ("Data in de EU", "Data in the EU"),
    ("data", "WORLD"): ("Data buiten de EU", "Data outside the EU"),
}
_PLACES = ({"EU": ", vanuit de EU", "WORLD": ", van buiten de EU"}, {"EU": ", from the EU", "WORLD": ", from outside the EU"})
_SERVICES = {"voice": ("Bellen", "Calls"), "sms": ("Sms", "Text messages"), "data": ("Data", "Data"), "purchase": ("Aankopen", "Purchases")}
_BEFORE_ZONE = {"voice": (" naar", " to"), "sms": (" naar", " to"), "data": (" in", " in"), "purchase": ("", "")}
_HOURS = ("uur", "h")
_MESSAGES = (("sms", "sms\u2019en"), ("message", "messages"))
_ONE_OFF = ("eenmalig", "one-off")
_CORRECTION = ("verrekening", "adjustment")
_TAKEN_BACK = ("{name}, teruggenomen van factuur {bill} (record {record})", "{name}, taken back from bill {bill} (record {record})")
_TO_THE_MINIMUM = ("{name}, aanvulling tot minimum", "{name}, up to the minimum spend")
_INSTALMENT = {
    "sale": ("{name}", "{name}"),
    "deferred": ("{name}, te betalen in {of} termijnen", "{name}, to be paid in {of} instalments"),
    "part": ("{name}, termijn {part} van {of}", "{name}, instalment {part} of {of}"),
    "parts": ("{name}, termijnen {part} t/m {last} van {of}", "{name}, instalments {part} to {last} of {of}"),
    "returned": ("{name}, teruggenomen", "{name}, taken back"),
    "waived": ("{name}, kwijtgescholden", "{name}, waived"),
    "undone": ("{name}, overige termijnen vervallen", "{name}, remaining instalments cancelled"),
}
_BESIDES = ("{name}, naast rekening {bill}", "{name}, besides bill {bill}")
_OF_WHICH_FREE = ("{free} inbegrepen", "{free} included")
_ALL_FREE = ("geheel inbegrepen", "all included")
_DAYS = ("{days} van {whole} dagen", "{days} of {whole} days")


@dataclass(frozen=True, slots=True)
class LineText:
    """
    What a line says.

    :param description: what it is for
    :param period: the days that it is for, the last one included
    :param quantity: how much: part of a period, or minutes, messages, bytes; empty for a whole period
    """

    description: str
    period: str
    quantity: str


def money(amount: Decimal, *, language: str) -> str:
    """Give euros with two decimals without the sign of the currency: `1.234,50` or `1,234.50`; a true minus sign for a credit."""
    text = f"{abs(amount):,.2f}"
    if language == "nl":
        text = text.replace(",", " ").replace(".", ",").replace(" ", ".")
    return f"{_MINUS}{text}" if amount < 0 else text


def amount_exact(micro: int, *, language: str) -> str:
    """Give micro-euros as euros with every decimal that they need, two at least: `0,2033` or `0.20`."""
    whole, decimals = f"{abs(euros(micro)):.6f}".split(".")
    text = f"{int(whole):,}.{decimals[:2]}{decimals[2:].rstrip('0')}"
    if language == "nl":
        text = text.replace(",", " ").replace(".", ",").replace(" ", ".")
    return f"{_MINUS}{text}" if micro < 0 else text


def local_minute(instant: datetime, *, language: str) -> str:
    """Give an instant as the customer's clock had it: `12 okt 2026 14:03:09`."""
    local = instant.astimezone(OPERATOR_ZONE)
    return f"{_short_day(local.date(), language)} {local:%H:%M:%S}"


def place_text(*, zone: str, roaming: str, zones: Sequence[NamedZone], language: str) -> str:
    """Give whereto somebody called or wrote, and from where when that was abroad."""
    name = zone_name(zone=zone, zones=zones, language=language)
    return f"{name[:1].upper()}{name[1:]}{_PLACES[0 if language == 'nl' else 1].get(roaming, '')}"


def telephone(digits: str | None) -> str:
    """
    Give a number as people write it: `06 1234 5678` for a Dutch mobile, else with its country code; empty for none.

    :param digits: the last ones may be hidden as `x`
    """
    if not digits:
        return ""
    if len(digits) < _SHORT_CODE_DIGITS or not digits.replace("x", "0").isdigit():
        return digits
    if digits.startswith("316") and len(digits) == 11:
        return f"06 {digits[3:7]} {digits[7:]}"
    if digits.startswith(("31800", "31900", "31906", "31909")):
        return f"0{digits[2:5]} {digits[5:]}"
    if digits.startswith("31") and len(digits) == 11:
        return f"0{digits[2:4]} {digits[4:7]} {digits[7:]}"
    return f"+{digits}"


def percent(rate: Decimal, *, language: str) -> str:
    """Give a tax rate without needless zeros: `21 %`."""
    text = f"{rate.normalize():f}"
    return f"{text.replace('.', ',') if language == 'nl' else text}{_NARROW_SPACE}%"


@lru_cache(maxsize=4_096)
def long_day(day: date, language: str) -> str:
    """Give a day in full: `1 november 2026`."""
    return format_date(day, "d MMMM y", locale=_locale(language))


@lru_cache(maxsize=4_096)
def period_text(period: BillPeriod, language: str) -> str:
    """Give a period with its last day included: `1 – 30 nov 2026`, and a single day as that day."""
    last = period.end_day - timedelta(days=1)
    if last <= period.first_day:
        return _short_day(period.first_day, language)
    if (period.first_day.year, period.first_day.month) == (last.year, last.month):
        return f"{period.first_day.day} {_EN_DASH} {_short_day(last, language)}"
    return f"{_short_day(period.first_day, language)} {_EN_DASH} {_short_day(last, language)}"


def line_text(*, rate: AppliedCustomerBillingRate, offerings: Mapping[str, ProductOffering], language: str) -> LineText:
    """
    Give what a line of a bill says.

    :param offerings: by identifier; an offering that is not among them shows as its identifier
    :param language: `nl` or `en`
    """
    index = 0 if language == "nl" else 1
    period = "" if rate.period is None else period_text(rate.period, language)
    offering = offerings.get(rate.product_offering_id or "")
    if rate.kind is RateKind.USAGE:
        zones = offering.zones if offering is not None else ()
        return LineText(_usage_text(rate.detail, zones, language), period, _usage_quantity(rate.detail, language))
    name = rate.product_offering_id or "" if offering is None else offering.name(language)
    if (said := rate.detail.get(CHARGE)) is not None:
        return LineText(str(said[language if language == "nl" else "en"]), period, "")
    if (sold := rate.detail.get(INSTALMENT)) is not None:
        return LineText(_instalment_text(sold, index), period, "")
    if rate.kind is RateKind.DISCOUNT:
        name = f"{rate.detail['alteration']}".capitalize()
    if rate.kind is RateKind.MINIMUM:
        name = _TO_THE_MINIMUM[index].format(name=name)
    if rate.detail.get("corrects"):
        name = f"{name}, {_CORRECTION[index]}"
    elif rate.kind is RateKind.ONE_TIME:
        name = f"{name}, {_ONE_OFF[index]}"
    days, whole = rate.detail.get("days"), rate.detail.get("days_in_period")
    return LineText(name, period, "" if days == whole else _DAYS[index].format(days=days, whole=whole))


def _instalment_text(sold: Mapping[str, Any], index: int) -> str:
    role = "parts" if sold["role"] == "part" and sold["part"] != sold["last"] else sold["role"]
    return _INSTALMENT[role][index].format(**{"name": sold["en" if index else "nl"], "part": 0, "last": 0, **sold})


def units_text(*, service: str, units: int, language: str) -> str:
    """Give an amount of use as people say it: `1:35:12 uur`, `12 sms'en`, `3,42 GB`."""
    index = 0 if language == "nl" else 1
    if service == "voice":
        minutes, seconds = divmod(units, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d} {_HOURS[index]}" if hours else f"{minutes}:{seconds:02d} min"
    if service == "data":
        for size, name in _BYTES_PER_UNIT:
            if units >= size:
                return f"{money(Decimal(units) / size, language=language).removesuffix('00').rstrip('.,')} {name}"
        return f"{units} B"
    if service == "purchase":
        return f"EUR {money(euros(units), language=language)}"
    return f"{units} {_MESSAGES[index][units != 1]}"


def _usage_text(detail: Mapping[str, Any], zones: Sequence[NamedZone], language: str) -> str:
    """Name the usage; of a charge that is taken back also the record and the bill on which it stood."""
    name = _usage_name(detail, zones, language)
    if not detail.get("corrects"):
        before = detail.get("billed_before")
        return name if before is None else _BESIDES[0 if language == "nl" else 1].format(name=name, bill=before["bill_number"])
    bill = detail["bill_number"] or long_day(date.fromisoformat(detail["billed_on"]), language)
    return _TAKEN_BACK[0 if language == "nl" else 1].format(name=name, bill=bill, record=detail["corrects"])


def _usage_name(detail: Mapping[str, Any], zones: Sequence[NamedZone], language: str) -> str:
    index, service, zone = 0 if language == "nl" else 1, detail["service"], detail["zone"]
    place = "" if service == "data" else _PLACES[index].get(detail.get("roaming", "HOME"), "")
    named = _USAGE.get((service, zone))
    if named is not None:
        return f"{named[index]}{place}"
    if service not in _SERVICES:
        return f"{service} {zone}"
    preposition = _BEFORE_ZONE[service][index]
    return f"{_SERVICES[service][index]}{preposition} {zone_name(zone=zone, zones=zones, language=language)}{place}"


def _usage_quantity(detail: Mapping[str, Any], language: str) -> str:
    index = 0 if language == "nl" else 1
    units, free = int(detail["units"]), int(detail["free_units"])
    if units < 0:
        taken_back = {**detail, "units": -units, "free_units": -free}
        return f"{_MINUS}{_usage_quantity(taken_back, language)}"
    text = units_text(service=detail["service"], units=units, language=language)
    if free > 0 and free >= units:
        return f"{text}, {_ALL_FREE[index]}"
    return f"{text}, {_OF_WHICH_FREE[index].format(free=units_text(service=detail['service'], units=free, language=language))}" if free > 0 else text


@lru_cache(maxsize=4_096)
def _short_day(day: date, language: str) -> str:
    return format_date(day, "d MMM y", locale=_locale(language)).replace(".", "")


def _locale(language: str) -> str:
    return "nl_NL" if language == "nl" else "en_GB"
