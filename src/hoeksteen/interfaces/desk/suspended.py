"""Suspended and rejected usage, for the billing manager: what waits and why, who works on it, corrections, another try, writing off."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect

from hoeksteen.interfaces.desk.looking import BILLING_MANAGER
from hoeksteen.interfaces.problems import PROBLEMS
from hoeksteen.interfaces.web.site import Form, Visit
from hoeksteen.interfaces.web.words import marked
from hoeksteen.kernel.errors import AccessDenied, InvalidInput, NotFound, Refused, Unavailable, WrongState
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.product import queries as product
from hoeksteen.product.named_zones import zone_ids, zone_name
from hoeksteen.product.numbering_plan import countries
from hoeksteen.rating import queries as rating
from hoeksteen.storage.postgres import Transaction
from hoeksteen.usage import queries as usage
from hoeksteen.usage import retrying, suspense
from hoeksteen.usage.rejected import rejected
from hoeksteen.usage.suspense import Fitting, OfService, SuspendedRecord, Wanted

SHOWN_MAX = 100
_FIELDS = ("reason", "source", "service", "country", "before")
_DONE = ("assigned", "corrected", "written_off", "retry")
_TICK = "record-"


@get("/suspended", sync_to_thread=True)
def queue(visit: NamedDependency[Visit], done: FromQuery[str] = "", records: FromQuery[int] = 0) -> Response[str]:
    """Show what waits, the oldest first, what was rejected, and what people did about it."""
    visit.require(BILLING_MANAGER)
    return _queue(visit, done=done if done in _DONE else "", records=records)


@get("/suspended/records", sync_to_thread=True)
def records_page(
    visit: NamedDependency[Visit], reason: FromQuery[str], source: FromQuery[str], service: FromQuery[str] = "", country: FromQuery[str] = "",
    before: FromQuery[str] = "", done: FromQuery[str] = "", records: FromQuery[int] = 0,
) -> Response[str]:  # fmt: skip
    """Show the records that wait for one reason in one source, and what can be done about them."""
    visit.require(BILLING_MANAGER)
    asked = {"reason": reason, "source": source, "service": service, "country": country, "before": before}
    return _records(visit, asked, done=done if done in _DONE else "", records=records)


@post("/suspended/assign", sync_to_thread=True)
def assign(visit: NamedDependency[Visit], form: NamedDependency[Form]) -> Response[Any]:
    """Say who works on it: oneself, somebody else, or nobody."""
    visit.require(BILLING_MANAGER)
    me = visit.person.actor
    assignee = me if form["to"] == "me" else "" if form["to"] == "nobody" else form["assignee"]
    try:
        with visit.runtime.database.transaction() as tx:
            suspense.assign(
                tx=tx, reason=form["reason"], source=form["source"], assignee=assignee, note=form["note"], made_by=me, now=visit.now
            )  # fmt: skip
    except Refused as error:
        return _refused(visit, form, error)
    return _back(form, done="assigned")


@post("/suspended/correct", sync_to_thread=True)
def correct(visit: NamedDependency[Visit], form: NamedDependency[Form]) -> Response[Any]:
    """Note the zone, the country or the product of records, and ask that they be tried again."""
    visit.require(BILLING_MANAGER)
    field = suspense.FIELDS.get(form["reason"], "")
    try:
        if not form["value"]:
            raise InvalidInput(marked("Choose what it is."), remedy=marked("Nothing was changed."), field="value")
        chosen, why = _chosen(visit, form), _why(form)
        if field == "product":
            _require_product(visit, form["value"])
        corrected = suspense.correct(
            database=visit.runtime.database, lake=visit.runtime.lake, record_ids=chosen, field=field, value=form["value"],
            made_by=visit.person.actor, why=why, now=visit.now,
        )  # fmt: skip
        with visit.runtime.database.transaction() as tx:
            retrying.ask(tx=tx, asked_by=visit.person.actor, now=visit.now)
    except (Refused, Unavailable) as error:
        return _refused(visit, form, error)
    return _back(form, done="corrected", records=corrected)


@post("/suspended/write-off", sync_to_thread=True, status_code=200)
def write_off(visit: NamedDependency[Visit], form: NamedDependency[Form]) -> Response[Any]:
    """Show what would be given up; once that is confirmed, give it up."""
    visit.require(BILLING_MANAGER)
    try:
        chosen, why = _chosen(visit, form), _why(form)
        if form["confirmed"] != str(len(chosen)):
            return _confirm(visit, form, chosen, why)
        written = suspense.write_off(
            database=visit.runtime.database, lake=visit.runtime.lake, record_ids=chosen, made_by=visit.person.actor, why=why, now=visit.now,
            identifiers=visit.runtime.identifiers,
        )  # fmt: skip
    except (Refused, Unavailable) as error:
        return _refused(visit, form, error)
    return _back(form, done="written_off", records=written)


@post("/suspended/retry", sync_to_thread=True)
def retry(visit: NamedDependency[Visit]) -> Response[Any]:
    """Ask that suspended usage be tried again; the watcher does it, because the keeper opens no numbers for a page."""
    visit.require(BILLING_MANAGER)
    with visit.runtime.database.transaction() as tx:
        retrying.ask(tx=tx, asked_by=visit.person.actor, now=visit.now)
    return Redirect("/suspended?done=retry", status_code=303)


def _queue(visit: Visit, **told: Any) -> Response[str]:
    with visit.runtime.database.transaction() as tx:
        found = suspense.waiting(tx=tx, lake=visit.runtime.lake, now=visit.now)
        unpriced = sum(row["records"] for row in rating.reasons(tx=tx) if row["state"] == "suspended")
        return visit.page(
            "desk/suspended.html",
            waiting=found,
            zone_names=_zone_names(tx, visit),
            days=max(((visit.now - one.oldest).days for one in found), default=0),
            unpriced=unpriced,
            retry=retrying.latest(tx=tx),
            rejected=rejected(tx=tx, lake=visit.runtime.lake),
            refused=usage.refused_files(tx=tx),
            changes=suspense.changes(tx=tx),
            **told,
        )


def _records(
    visit: Visit, asked: Mapping[str, str], *, status: int = 200, problem: Exception | None = None, typed: Form | None = None, **told: Any
) -> Response[str]:  # fmt: skip
    """
    Show the records of one reason and source.

    :param typed: what was sent, shown again where it was refused
    """
    wanted = _wanted(asked)
    with visit.runtime.database.transaction() as tx:
        case = next((one for one in suspense.waiting(tx=tx, lake=visit.runtime.lake, now=visit.now) if _is_of(one, wanted)), None)
        found = _fitting(tx, visit, wanted, SHOWN_MAX)
        changes = suspense.changes(tx=tx, reason=wanted.reason, source=wanted.source)
        retried = retrying.latest(tx=tx)
        zone_names = _zone_names(tx, visit)
    return visit.page(
        "desk/suspended_records.html",
        status=status,
        wanted=wanted,
        field=suspense.FIELDS.get(wanted.reason, ""),
        asked=asked,
        case=case,
        found=found,
        changes=changes,
        retry=retried,
        me=visit.person.actor,
        zone_names=zone_names,
        countries=sorted(((code, visit.words.country(code)) for code, _ in countries()), key=lambda one: one[1]),
        ticked={name for name in (typed.values if typed else {}) if name.startswith(_TICK)},
        typed=typed or Form({}),
        problem=problem,
        **{"done": "", "records": 0, **told},
    )


def _confirm(visit: Visit, form: Form, chosen: list[UUID], why: str) -> Response[str]:
    wanted = _wanted(form)
    with visit.runtime.database.transaction() as tx:
        found = _fitting(tx, visit, wanted, suspense.RECORDS_MAX)
    ids = set(chosen)
    concerned = [one for one in found.shown if one.record_id in ids]
    services = [_of_service(concerned, service) for service in sorted({one.service for one in concerned})]
    return visit.page("desk/suspended_write_off.html", wanted=wanted, sent=form.values, records=len(chosen), services=services, why=why)


def _zone_names(tx: Transaction, visit: Visit) -> dict[str, str]:
    """Give every zone that a record can have, the catalogue's own too, and its name."""
    named = product.zones(tx=tx)
    return {zone: zone_name(zone=zone, zones=named, language=visit.words.language) for zone in zone_ids(named)}


def _of_service(concerned: Sequence[SuspendedRecord], service: str) -> OfService:
    units = [one.units for one in concerned if one.service == service]
    return OfService(service, len(units), sum(units))


def _refused(visit: Visit, form: Form, error: Refused | Unavailable) -> Response[str]:
    """Show the page again with what was typed and why it cannot be so; what was told by the keeper ends as everywhere."""
    if isinstance(error, AccessDenied):
        raise error
    status = 422 if isinstance(error, InvalidInput) else PROBLEMS[error.code].http_status
    return _records(visit, {name: form[name] for name in _FIELDS}, status=status, problem=error, typed=form)


def _back(form: Form, **told: Any) -> Response[Any]:
    asked = {name: form[name] for name in _FIELDS if form[name]}
    return Redirect(f"/suspended/records?{urlencode({**asked, **told})}", status_code=303)


def _wanted(asked: Mapping[str, str] | Form) -> Wanted:
    return Wanted(asked["reason"], asked["source"], asked["service"], asked["country"], _instant(asked["before"]))


def _instant(day: str) -> datetime | None:
    return start_of_day(Form({"before": day}).day("before")) if day else None


def _is_of(one: suspense.Waiting, wanted: Wanted) -> bool:
    return (one.reason, one.source) == (wanted.reason, wanted.source)


def _fitting(tx: Transaction, visit: Visit, wanted: Wanted, limit: int) -> Fitting:
    return suspense.fitting(tx=tx, lake=visit.runtime.lake, wanted=wanted, limit=limit)


def _chosen(visit: Visit, form: Form) -> list[UUID]:
    """
    Give the records that were ticked, or all that fit what is shown.

    :raises InvalidInput: when none is chosen, or more than one change can be for
    :raises WrongState: when others fit now than when the page was made
    """
    if form["which"] == "all":
        with visit.runtime.database.transaction() as tx:
            found = _fitting(tx, visit, _wanted(form), suspense.RECORDS_MAX)
        if str(found.records) != form["fitting"]:
            raise WrongState("Others wait now than when this page was made.", remedy="Look at them, and choose again.")
        if found.records > suspense.RECORDS_MAX:
            raise InvalidInput(
                marked("These are too many for one change."), remedy=marked("Narrow them down by service, country or day."), field="which"
            )
        chosen = [one.record_id for one in found.shown]
    else:
        try:
            chosen = [UUID(name.removeprefix(_TICK)) for name in form.values if name.startswith(_TICK)]
        except ValueError:
            raise InvalidInput(marked("That is no record."), remedy=marked("Choose from the list."), field="which") from None
    if not chosen:
        raise InvalidInput(marked("No record is chosen."), remedy=marked("Tick some, or choose all that are listed."), field="which")
    return chosen


def _require_product(visit: Visit, value: str) -> None:
    """
    Check that somebody named a product, so that the page says so where they did not.

    :raises InvalidInput: when it is none
    """
    try:
        with visit.runtime.database.transaction() as tx:
            product.product_held(tx=tx, product_id=UUID(value))
    except (ValueError, NotFound):
        remedy = marked("The customer's page shows the identifier of each product.")
        raise InvalidInput(marked("No product has this identifier."), remedy=remedy, field="value") from None


def _why(form: Form) -> str:
    if not form["why"]:
        raise InvalidInput(marked("A reason is missing."), remedy=marked("Write why; it stays beside the change."), field="why")
    return form["why"]


HANDLERS = [queue, records_page, assign, correct, write_off, retry]
