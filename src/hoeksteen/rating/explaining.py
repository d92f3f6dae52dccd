"""Why one record costs what it costs: its billing account's period is rated again by the same pieces, and watched."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from hoeksteen.kernel.errors import NotFound, WrongState
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.product import queries as product
from hoeksteen.product.model import NamedZone, UsagePrice
from hoeksteen.product.named_zones import zone_name
from hoeksteen.rating import _charges, _charging, _correcting, _engine, _pieces, _store
from hoeksteen.rating.model import AllowanceStep, Explanation
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage.tables import GUIDED, bucket_of, month_number

_UNIT = {"voice": ("s", "s"), "sms": ("bericht(en)", "message(s)"), "data": ("B", "B"), "purchase": ("µEUR", "µEUR")}
_SERVICE = {"voice": ("Gesprek", "Call"), "sms": ("Sms", "Message"), "data": ("Data", "Data"), "purchase": ("Aankoop", "Purchase")}
_ROUNDED = {"up": ("naar boven afgerond", "rounded up"), "half_up": ("afgerond", "rounded"), "down": ("naar beneden afgerond", "rounded down")}
_FOUND = "customer_id, billing_account_id, bucket, period_day, bill_day, state, reason, delivered_units, amount_micro"
_RECORD = """
SELECT g.product_id, g.service, g.zone, g.roaming, f.product_offering_id AS offering_held, a.*, o.state, o.reason, c.amount_micro AS charged_micro,
    b.band, x.first_free_units, x.fee AS first_fee
FROM amount a
JOIN charged c ON c.record_id = a.record_id
JOIN charge_outcome o ON o.outcome = c.outcome
JOIN guided g ON g.record_id = a.record_id
LEFT JOIN term t ON t.product_id = g.product_id AND g.start >= t.valid_from AND g.start < t.valid_to
LEFT JOIN offering f ON f.offering_no = t.offering_no
LEFT JOIN band b ON b.price_no = a.price_no AND a.start >= b.begins_at AND a.start < b.ends_at
LEFT JOIN ({first_free}) x ON x.record_id = a.record_id
WHERE a.record_id = $record::UUID
"""

# The tiers, bands or blocks that the units of one record fell in, where one price does not hold for all of them.
# `size` is what an amount is for; without one it is for the price's unit size.
_PARTS = f"""
SELECT units::BIGINT AS units, micro, size, flat FROM (
    SELECT record_id, place, units, micro, block_units AS size, flat FROM ({_charging.GRADUATED_PARTS})
    UNION ALL
    SELECT record_id, place, units, micro, block_units AS size, 0 AS flat FROM ({_charging.VOLUME_PARTS})
    UNION ALL
    SELECT record_id, place, units, micro, NULL AS size, 0 AS flat FROM ({_charging.SPLIT_PARTS})
    UNION ALL
    SELECT record_id, place, units, micro, size, 0 AS flat FROM ({_charging.BLOCK_PARTS})
) WHERE record_id = $record::UUID AND units > 0 ORDER BY place
"""


class _Part(NamedTuple):
    """So many units at `micro` per `size`, and what is due once for the tier that they enter."""

    units: int
    micro: int
    size: int
    flat: int


def explain(*, tx: Transaction, lake: Lake, record_id: UUID, month: date | None = None, billing_account_id: UUID | None = None) -> Explanation:
    """
    Recompute one charge, and say which price, which allowance before and after, and which rounding made it.

    Only the files of the record's billing account and bill period are read in full. Where the record lies is looked up by its
    identifier alone, in every file, unless the caller knows better.

    :param month: any day of the local calendar month of its start, and `billing_account_id` whose it is, where they are known
    :raises NotFound: when no such record was rated
    :raises WrongState: when what counts for it changed since it was rated
    """
    with Duck(spill=lake.spill) as duck:
        found = _charge(duck, lake, record_id, month, billing_account_id)
        customer_ids = [found["customer_id"]]
        held = sorted({term.product_offering_id for term in product.terms(tx=tx, customer_ids=customer_ids)})
        inputs = _engine.read_inputs(
            tx=tx,
            month=found["period_day"].replace(day=1),
            bill_month=found["bill_day"].replace(day=1),
            customer_ids=customer_ids,
            offerings=product.offerings(tx=tx, offering_ids=held),
        )
        _engine.load(duck, lake, inputs)
        whose = f"billing_account_id = '{found['billing_account_id']}'::UUID"
        rated = f"record_id IN (SELECT record_id FROM charge_row WHERE {whose})"  # what arrived since plays no part in what was charged
        _engine.view_guided(duck, lake, inputs, buckets=[found["bucket"]], condition=f"{whose} AND {rated}")
        _rate_as_charged(duck, inputs, record_id)
        corrected = {name: found[name] for name in ("state", "reason", "delivered_units") if found["reason"] == "corrected"}
        told = explained(duck, inputs, record_id, as_charged=corrected)
    if told.amount_micro != found["amount_micro"]:
        raise WrongState(
            f"Prices, products or closes that count for record {record_id} changed since it was rated.",
            remedy=f"Run `hoeksteen usage rate --month {found['bill_day']:%Y-%m}`, or ask what the bill of a closed month says.",
        )
    return replace(told, corrected=_store.correction_of(tx, record_id), corrects=_store.correction_behind(tx, record_id))


def explained(duck: Duck, inputs: _engine.Inputs, record_id: UUID, *, as_charged: Mapping[str, object] | None = None) -> Explanation:
    """
    Say what made a record's charge, after `_engine.rate` worked out everything.

    :param as_charged: what its charge says otherwise, because the record was corrected
    """
    [row] = duck.rows(_RECORD.format(first_free=_charging.FIRST_FREE_PARTS), {"record": str(record_id)})
    steps = tuple(step for stage in range(1, inputs.tariff.stages + 1) for step in _step(duck, stage, record_id))
    price = None if row["price_no"] is None else inputs.tariff.prices[row["price_no"] - 1]
    parts = [] if price is None else _parts(price, row, duck.rows(_PARTS, {"record": str(record_id)}))
    return _explanation(row | dict(as_charged or {}), price, steps, parts, inputs.tariff.zones)


def _rate_as_charged(duck: Duck, inputs: _engine.Inputs, record_id: UUID) -> None:
    """Rate the view `guided` so that its tables are those by which the record was charged: of its own generation, where charges were taken back."""
    _engine.rate(duck, inputs, everything=True)
    if inputs.corrections and duck.value("SELECT count(*) FROM reversed_for"):
        generation = duck.value("SELECT generation FROM guided WHERE record_id = $record::UUID", {"record": str(record_id)})
        numbers = _engine.counts(duck)
        steps = _pieces.composed(inputs.tariff.stages, **numbers, everything=True, few=True)
        _correcting.rate_by_generation(duck, steps, inputs.tariff.stages, last=generation)


def _charge(duck: Duck, lake: Lake, record_id: UUID, month: date | None, billing_account_id: UUID | None) -> dict[str, Any]:
    """Find a record, then its charge in the files of its own bucket and period."""
    where: dict[str, list[int]] = {} if month is None else {"month": [month_number(month)]}
    whose = ""
    if billing_account_id is not None:
        where["bucket"], whose = [bucket_of(billing_account_id)], f" AND billing_account_id = '{billing_account_id}'::UUID"
    duck.view_of_files("located", GUIDED, lake.files(GUIDED, where))
    places = duck.rows(
        f"SELECT bucket, billing_account_id, period_day FROM located WHERE record_id = $record::UUID{whose}", {"record": str(record_id)}
    )
    for place in places:
        _charges.view_charges(duck, lake, {"month": [month_number(place["period_day"])], "bucket": [place["bucket"]]})
        charges = duck.rows(
            f"SELECT {_FOUND} FROM charge WHERE billing_account_id = '{place['billing_account_id']}'::UUID AND record_id = $record::UUID"
            " AND state <> 'reversed'",
            {"record": str(record_id)},
        )
        if charges:
            return charges[0]
    raise NotFound(f"No rated record {record_id}.", remedy="Rate its month first, or check the identifier.")


def _step(duck: Duck, stage: int, record_id: UUID) -> Sequence[AllowanceStep]:
    """Give what the source of a stage had before and after the record."""
    sql = f"""
    WITH scoped AS (
        SELECT c.record_id, c.scope_no, c.period_day, c.source_no, c.generation, c.start, r.free_{stage} AS free
        FROM claim_{stage} c JOIN rating_{stage} r USING (record_id)
    )
    SELECT s.allowance_id, any_value(g.granted)::BIGINT AS granted, any_value(own.free)::BIGINT AS free,
        coalesce(sum(o.free) FILTER ((o.generation, o.start, o.record_id) < (own.generation, own.start, own.record_id)), 0)::BIGINT AS taken_before
    FROM scoped own
    JOIN scoped o USING (scope_no, period_day, source_no)
    JOIN grant_{stage} g USING (scope_no, period_day, source_no)
    JOIN source s USING (source_no)
    WHERE own.record_id = $record::UUID
    GROUP BY s.allowance_id
    """
    steps = []
    for row in duck.rows(sql, {"record": str(record_id)}):
        before = max(0, row["granted"] - row["taken_before"])
        steps.append(AllowanceStep(row["allowance_id"], before, before - row["free"]))
    return steps


def _parts(price: UsagePrice, row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> list[_Part]:
    """Give what the priced units fell in, in the price's own numbers; one part where one price holds for all of them."""
    found = [
        _Part(part["units"], part["micro"] * (price.common_factor if part["size"] is None else 1), part["size"] or price.unit_size, part["flat"])
        for part in rows
    ]
    units = row["priced_units"] - (row["first_free_units"] or 0)
    return found or ([_Part(units, row["price_micro"] * price.common_factor, price.unit_size, 0)] if units else [])


def _explanation(
    row: dict[str, Any], price: UsagePrice | None, steps: tuple[AllowanceStep, ...], parts: Sequence[_Part], zones: Sequence[NamedZone]
) -> Explanation:
    fee = row["first_fee"] if row["first_fee"] is not None else row["fee"]
    return Explanation(
        record_id=row["record_id"],
        product_id=row["product_id"],
        product_offering_id=row["offering_held"] or "",
        start=row["start"],
        service=row["service"],
        zone=row["zone"],
        roaming=row["roaming"],
        state=row["state"],
        reason=row["reason"],
        delivered_units=row["delivered_units"],
        units=row["units"],
        free_units=row["free_units"],
        price_id=row["price_id"] or "",
        price_valid_from=row["price_valid_from"],
        band=row["band"] or "",
        amount_micro_per_unit_size=row["price_micro"] * price.common_factor if price else 0,
        unit_size=price.unit_size if price else 1,
        fee_micro=fee,
        amount_micro=row["charged_micro"],
        allowances=steps,
        sentence_nl=_sentence({**row, "where": _where(row, zones, "nl")}, price, steps, parts, fee, 0),
        sentence_en=_sentence({**row, "where": _where(row, zones, "en")}, price, steps, parts, fee, 1),
    )


def _where(row: dict[str, Any], zones: Sequence[NamedZone], language: str) -> str:
    preposition = "in" if row["service"] == "data" else "naar" if language == "nl" else "to"
    return f"{preposition} {zone_name(zone=row['zone'], zones=zones, language=language)}"


def _sentence(
    row: dict[str, Any], price: UsagePrice | None, steps: tuple[AllowanceStep, ...], priced: Sequence[_Part], fee: int, language: int
) -> str:
    """
    Say it in one sentence, in Dutch (0) or English (1).

    :param row: with `where`, its zone in words
    :param priced: the tiers, bands or blocks that the record fell in, in order
    :param fee: micro-euros that are due once for the record
    """

    def say(dutch: str, english: str) -> str:
        return (dutch, english)[language]

    unit = _UNIT[row["service"]][language]
    start: datetime = row["start"].astimezone(OPERATOR_ZONE)
    when = f"{start:%Y-%m-%d %H:%M:%S}" + (f" ({row['band']})" if row["band"] else "")
    head = f"{_SERVICE[row['service']][language]} {row['where']}, {when}, {row['delivered_units']} {unit}"
    if price is None:
        return f"{head}: {say('wacht', 'waits')} ({row['reason']})."
    parts = [say(f"telt als {row['units']} {unit}", f"counts as {row['units']} {unit}")]
    parts += [
        say(
            f"{step.units_taken} {unit} uit {step.allowance_id} (over: {step.units_before} → {step.units_after})",
            f"{step.units_taken} {unit} from {step.allowance_id} (left: {step.units_before} → {step.units_after})",
        )
        for step in steps
    ]
    if row["first_free_units"]:
        parts.append(say(f"eerste {row['first_free_units']} {unit} vrij", f"first {row['first_free_units']} {unit} free"))
    for part in priced:
        per = f"EUR {_amount(part.micro)} / {part.size} {unit}"
        parts.append(say(f"{part.units} {unit} tegen {per}", f"{part.units} {unit} at {per}"))
        if part.flat:
            parts.append(say(f"eenmalig EUR {_amount(part.flat)} voor deze staffel", f"once EUR {_amount(part.flat)} for this tier"))
    if fee:
        parts.append(say(f"starttarief EUR {_amount(fee)}", f"connection fee EUR {_amount(fee)}"))
    if price.end_rounding is not None:
        digits, mode = price.end_rounding.digits, _ROUNDED[price.end_rounding.mode][language]
        parts.append(say(f"{mode} op {digits} decimalen", f"{mode} to {digits} decimals"))
    if row["reason"] == "cap":
        parts.append(say("tot het maximum van de maand", "up to the month's cap"))
    return f"{head}: {'; '.join(parts)} = EUR {_amount(row['charged_micro'])}."


def _amount(micro: int) -> str:
    """Write an amount exactly, with two decimals or as many more as it has."""
    whole, decimals = f"{euros(micro):.6f}".split(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
