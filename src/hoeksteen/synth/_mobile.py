"""Writes `mobile.jsonl`: one JSON object per mobile account, with its SIMs."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.synth._carried import Carried, CarriedDraws
from hoeksteen.synth._chance import plain_stream
from hoeksteen.synth._entries import Entry, Line, Operator, entries
from hoeksteen.synth._letters import base_letters
from hoeksteen.synth._names import MAN
from hoeksteen.synth._numbers import iccid, written_iban, written_phone
from hoeksteen.synth._people import AMBIGUOUS_BEFORE
from hoeksteen.synth._spelling import short_prefix, short_street, stray_spaces, written_postcode
from hoeksteen.synth.model import MOBILE, SourceTotals

_STATES = ("active", "suspended", "terminated")
_IMPOSSIBLE_DAY = "2019-02-31"
_FIRST_SIM = 1_000_001
# what the system used for days before 17 May 1940: Amsterdam time, +0:19:32 until July 1937, +0:20 after
_AMSTERDAM_TIME = ((date(1937, 7, 1).toordinal(), timedelta(minutes=19, seconds=32)), (AMBIGUOUS_BEFORE, timedelta(minutes=20)))
# clock changes of the Netherlands until 1946, when files disagree with those of Belgium: first day, hours ahead of UTC
_CHANGES = "1940-05-17 2, 1942-11-03 1, 1943-03-30 2, 1943-10-05 1, 1944-04-04 2, 1944-10-03 1, 1945-04-03 2, 1945-09-17 1"
_WAR_TIME = tuple((date.fromisoformat(change[:10]).toordinal(), timedelta(hours=int(change[11:]))) for change in _CHANGES.split(", "))
_ORDERLY_SINCE = date(1947, 1, 1).toordinal()


def write_mobile(*, path: Path, operator: Operator) -> SourceTotals:
    """Write the export of the mobile system, and give what it holds."""
    chance, totals, sim = plain_stream(operator.seed, "mobile"), SourceTotals(), _FIRST_SIM
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    with path.open("w", encoding="utf-8", newline="") as file:
        draws, damage = CarriedDraws(operator.seed, MOBILE, totals), plain_stream(operator.seed, "sims")
        for entry in entries(operator, MOBILE):
            account = _account(entry, sim, chance) | _carried(entry, draws.of(entry))
            _damage_sims(account["sims"], sim, damage)
            text = encode(account)
            sim += len(entry.lines)
            totals.records += 1
            totals.rows += 1
            totals.rejectable += bool(entry.reject)
            if entry.reject == "broken_line":
                text = text[: len(text) // 2]
            elif not entry.reject:
                totals.products += len(entry.lines)
                totals.monthly_cents += sum(line.monthly_cents for line in entry.lines)
            file.write(text + "\n")
    return totals


def _account(entry: Entry, first_sim: int, chance: random.Random) -> dict[str, Any]:
    firm = entry.firm
    prefix, surname = entry.prefix, entry.surname
    draw = chance.random()
    if draw < 0.03 and prefix:
        prefix, surname = "", f"{prefix} {surname}"
    elif draw < 0.09:
        prefix = short_prefix(prefix, chance)
    if draw > 0.9:
        surname = base_letters(surname)
    if 0.5 < draw < 0.52:
        surname = surname.lower() if draw < 0.51 else surname.upper()
    unnamed = entry.reject == "no_name" or (firm is not None and chance.random() < 0.4)
    return {
        "account_id": entry.key,
        "type": "B" if firm else "P",
        "initials": None if unnamed else _initials(entry.initials, chance),
        "given_name": entry.calling if not unnamed and entry.calling and chance.random() < 0.8 else None,
        "prefix": prefix if prefix and not unnamed else None,
        "surname": None if unnamed else stray_spaces(surname, chance),
        "gender": None if unnamed or chance.random() < 0.04 else "M" if entry.gender == MAN else "F",
        "birth_date": local_midnight(entry.birth) if entry.birth else None,
        "company": {"name": firm.name, "legal_form": firm.legal_form, "kvk": firm.kvk if chance.random() < 0.9 else None} if firm else None,
        "language": "en" if chance.random() < 0.06 else "nl",
        "address": _address(entry, chance),
        "email": (entry.email if chance.random() < 0.95 else entry.email.upper()) or None,
        "contact_phone": written_phone(entry.phone, chance) if entry.phone else None,
        "iban": written_iban(entry.iban, chance) if entry.iban else None,
        "payment": "DD" if entry.direct_debit else "TRANSFER",
        "mandate": {"reference": f"LM{entry.key[2:]}", "date": _day(entry.mandate_day)} if entry.direct_debit else None,
        "customer_since": _day(entry.since),
        "sims": [_sim(entry, line, first_sim + place, chance) for place, line in enumerate(entry.lines)],
    }


def _carried(entry: Entry, carried: Carried) -> dict[str, Any]:
    months, begins, ends = carried.contract or (0, 0, 0)
    mandate = {"reference": f"LM{entry.key[2:]}", "date": _day(carried.mandate_day), "used": carried.mandate_used} if entry.direct_debit else None
    return {
        "mandate": mandate,
        "contract": {"months": months, "start": _day(begins), "end": _day(ends)} if months else None,
        "balance_cents": carried.balance_cents,
        "invoices": [
            {"number": one.number, "date": _day(one.billed), "due": _day(one.due), "total_cents": one.total_cents, "open_cents": one.open_cents,
             "currency": one.currency, "text": one.text or None, "disputed": one.disputed}
            for one in carried.invoices
        ],
        "consents": [
            {"purpose": one.purpose, "decision": "yes" if one.given else "no", "date": _day(one.day), "channel": one.channel or None}
            for one in carried.consents
        ],
        "contacts": [
            {"name": one.name, "role": one.function, "phone": one.phone or None, "email": one.email or None} for one in carried.people
        ],
        "notes": [{"date": _day(day), "author": author, "text": text} for day, author, text in carried.notes],
    }  # fmt: skip


def _damage_sims(sims: list[dict[str, Any]], first: int, damage: random.Random) -> None:
    """Let a few SIMs be noted wrong: with a digit too high, or as the one of the account before."""
    draw = damage.random()
    if draw < 0.002:
        sims[0]["iccid"] = sims[0]["iccid"][:-1] + str((int(sims[0]["iccid"][-1]) + 1) % 10)
    elif draw < 0.004 and first > _FIRST_SIM:
        sims[0]["iccid"] = iccid(first - 1)


def _initials(letters: str, chance: random.Random) -> str:
    draw = chance.random()
    return letters.replace(".", "") if draw < 0.05 else letters.replace(".", ". ").strip() if draw < 0.08 else letters


def _address(entry: Entry, chance: random.Random) -> dict[str, str | None]:
    address = entry.address
    street = short_street(address.street) + "." if chance.random() < 0.08 else address.street
    joined = chance.random() < 0.2 and not address.addition.isdigit()
    return {
        "street": stray_spaces(street, chance),
        "number": f"{address.number}{address.addition if joined else ''}",
        "addition": address.addition or None if not joined else None,
        "postcode": written_postcode(address.postcode, chance),
        "city": address.city if chance.random() < 0.95 else address.city.upper(),
    }


def _sim(entry: Entry, line: Line, sim: int, chance: random.Random) -> dict[str, Any]:
    return {
        "sim_id": f"S{sim}",
        "msisdn": line.number if chance.random() < 0.9 else written_phone(line.number, chance),
        "iccid": iccid(sim),
        "product": line.code,
        "status": _STATES[line.state],
        "start": _IMPOSSIBLE_DAY if entry.reject == "impossible_date" else _day(line.start),
        "end": _day(line.end),
        "suspended": _day(line.suspended),
        "billed_to": _day(line.billed_to),
        "monthly_cents": line.monthly_cents,
    }


@lru_cache(maxsize=65_536)
def _day(ordinal: int) -> str | None:
    return date.fromordinal(ordinal).isoformat() if ordinal else None


@lru_cache(maxsize=65_536)
def local_midnight(ordinal: int) -> str:
    """
    Give a day as the mobile system exports it: its local midnight in UTC.

    Before 1947 the offsets are our own, because time zone files of different builds disagree on them.
    """
    if ordinal >= _ORDERLY_SINCE:
        instant = start_of_day(date.fromordinal(ordinal))
    else:
        amsterdam = [ahead for end, ahead in _AMSTERDAM_TIME if ordinal < end]
        ahead = amsterdam[0] if amsterdam else [ahead for first, ahead in _WAR_TIME if first <= ordinal][-1]
        instant = datetime.combine(date.fromordinal(ordinal), datetime.min.time(), UTC) - ahead
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
