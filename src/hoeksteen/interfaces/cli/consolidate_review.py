"""`hoeksteen consolidate reviews` and what goes with it: decide doubtful pairs, merge customers, take them apart, and tell what became of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape

from hoeksteen.consolidation import merging, reviewing
from hoeksteen.consolidation.merging import Rearranged
from hoeksteen.consolidation.reviewing import DECIDE, MIGRATION_ENGINEER, WHY, Review, Stake
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.deciding import Deciding, deciding, unproven
from hoeksteen.interfaces.cli.options import counted, data_option, emit_json, json_option, report_console, report_table
from hoeksteen.interfaces.cli.whom import customer_argument, meant_customer
from hoeksteen.interfaces.runtime import Runtime, open_runtime
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.storage.postgres import Row, Transaction

_SERVICE = "bss"
_CODES = "; ".join(f"of --{decision} {', '.join(codes)}" for decision, codes in WHY.items())
_MERGE = "let customers be one"
_UNMERGE = "take a customer apart"
_STATES = ("open", "unsure", "same", "different")
_rest = click.option("--leave-rest", is_flag=True, help="Leave what cannot be told apart with the customer that has it.")
_credit = click.option("--credit", is_flag=True, help="Credit what final bills have of products that move, and charge it to whom they belong.")
_why = click.option("--why", required=True, help="Why, for the record; never about a person.")
_identifier = click.option("--rearrangement-id", type=click.UUID, hidden=True)


@click.command()
@click.option("--state", type=click.Choice(_STATES), default="open", show_default=True, help="Which pairs.")
@click.option("--limit", type=click.IntRange(1, reviewing.SHOWN_MAX), default=25, show_default=True, help="How many at most.")
@data_option
@json_option
def reviews(state: str, limit: int, data: Path, as_json: bool) -> None:
    """List the doubtful pairs of legacy records, the most telling first, with what hangs on them."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = reviewing.queue(tx=tx, limit=limit, states=(state,))
        stakes = reviewing.stakes(tx=tx, reviews=found, now=runtime.clock.now())
        progress = reviewing.progress(tx=tx)
    console, hanging = report_console(as_json=as_json), [_hanging(one, stakes) for one in found]
    table = report_table("Doubtful pairs")
    for heading in ("pair", "why in doubt", "records", "bits", "products", "EUR a month", *(("decided",) if state != "open" else ())):
        table.add_column(heading, justify="right" if heading in ("bits", "products", "EUR a month") else "left")
    for one, stake in zip(found, hanging, strict=True):
        decided = (f"{escape(one.decided_by or '')}: {_words(one.why)}",) if state != "open" else ()
        table.add_row(
            one.name, _words(one.reason), _records(one), f"{one.weight:.1f}", f"{stake.products}", f"{stake.monthly:,}", *decided
        )  # fmt: skip
    console.print(table)
    console.print(
        f"{counted(progress.open, 'pair waits', 'pairs wait')}; decided: {progress.same} the same, {progress.different} different,"
        f" {progress.unsure} unsure"
    )
    if as_json:
        emit_json({
            "reviews": [_review_json(one, stake) for one, stake in zip(found, hanging, strict=True)],
            "progress": {"open": progress.open, "same": progress.same, "different": progress.different, "unsure": progress.unsure},
        })  # fmt: skip


@click.command()
@click.argument("pair", metavar="PAIR")
@click.option("--same", "decision", flag_value="same", help="They are one customer: `hoeksteen consolidate merge` makes them one.")
@click.option("--different", "decision", flag_value="different", help="They are two customers, whatever a later run finds.")
@click.option("--unsure", "decision", flag_value="unsure", help="It cannot be told from what is known.")
@click.option("--why", required=True, help=f"A code: {_CODES}.")
@deciding
@data_option
@json_option
def review(pair: str, decision: str | None, why: str, decides: Deciding, data: Path, as_json: bool) -> None:
    """Decide a doubtful pair: one customer, two, or it cannot be told; PAIR is as `reviews` shows it, or two pseudonyms."""
    if decision is None:
        raise InvalidInput("Nothing is decided.", remedy="Say --same, --different or --unsure.", field="decision")
    if not decides.is_asked:
        decides.decide(
            "consolidate", "review", pair, f"--{decision}", "--why", why, what=DECIDE, said={"decision": decision, "why": why}, data=data,
            as_json=as_json,
        )  # fmt: skip
        return
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        with runtime.database.transaction() as tx:
            meant = _meant(tx, pair)
            earlier = reviewing.decisions(tx=tx, review=meant)
        after = earlier[-1]["decided_at"].isoformat() if earlier else "nothing"
        facts = {"left": str(meant.left), "right": str(meant.right), "decision": decision, "why": why, "after": after}
        signer = decides.signer(runtime.keeper, what=DECIDE, facts=facts, role=MIGRATION_ENGINEER)
        if signer is None:
            return
        with runtime.database.transaction() as tx:
            done = reviewing.decide(
                tx=tx, left=meant.left, right=meant.right, decision=decision, why=why, by=signer.actor, now=runtime.clock.now(),  # type: ignore[arg-type]  # checked there
                digest=signer.digest,
            )  # fmt: skip
    report_console(as_json=as_json).print(f"{done.name}: {done.state}, {_words(done.why)}, decided by {escape(done.decided_by or '')}")
    if as_json:
        emit_json(_review_json(done, None))


@click.command()
@click.argument("pair", metavar="PAIR")
@data_option
@json_option
def explain(pair: str, data: Path, as_json: bool) -> None:
    """Show how the weight of a doubtful pair came about, comparison by comparison, and what was decided; no value of a record is shown."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = _meant(tx, pair)
        rivals, decisions = reviewing.rivals(tx=tx, review=found), reviewing.decisions(tx=tx, review=found)
    console = report_console(as_json=as_json)
    console.print(f"{found.name}: {_words(found.reason)}, {found.weight:.1f} bits, {found.state}; {_records(found)}")
    if found.steps:
        table = report_table("How the weight came about")
        for heading in ("field", "compared", "bits", ""):
            table.add_column(heading, justify="right" if heading == "bits" else "left")
        for step in found.steps:
            bar = ("+" if step.bits >= 0 else "-") * min(40, round(abs(step.bits) * 2))
            table.add_row(step.comparison.replace("_", " "), step.level, f"{step.bits:+.1f}", bar)
        console.print(table)
    for one in rivals:
        console.print(f"one of its records is in {one.name} too: {_words(one.reason)}, {one.weight:.1f} bits")
    for row in decisions:
        console.print(f"{row['decided_at']:%Y-%m-%d %H:%M} {escape(row['decided_by'])}: {row['decision']}, {row['why'].replace('_', ' ')}")
    if as_json:
        emit_json({**_review_json(found, None), "rivals": [one.name for one in rivals], "decisions": decisions})


@click.command()
@click.argument("customers", metavar="[CUSTOMER]...", nargs=-1)
@click.option("--why", default="", help="Why, for the record; never about a person. Decided pairs have their own reason.")
@click.option("--by", default="", metavar="NAME", help="Who has the decided pairs merged, where no customer is named.")
@_rest
@_credit
@_identifier
@deciding
@data_option
@json_option
def merge(
    customers: tuple[str, ...], why: str, by: str, leave_rest: bool, credit: bool, rearrangement_id: UUID | None, decides: Deciding, data: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """
    Let customers be one, with all that is theirs; without any named, carry out what was decided of doubtful pairs.

    Whoever names customers proves who they are. The one whose founding record is trusted most goes on, the others are closed and remembered.
    """
    if not customers:
        _merge_decided(by or decides.person, data, as_json=as_json)
        return
    if not decides.is_asked:
        words = [*customers, "--why", why, *_flags(leave_rest, credit)]
        decides.decide("consolidate", "merge", *words, what=_MERGE, said=_said(why, leave_rest, credit), data=data, as_json=as_json)
        return
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        with runtime.database.transaction() as tx:
            meant = [meant_customer(tx=tx, named=one) for one in customers]
        facts = {"customers": " ".join(one.customer_number for one in meant), **_said(why, leave_rest, credit)}
        signed = _signed(runtime, decides, _MERGE, facts, rearrangement_id)
        if signed is None:
            return
        with runtime.database.transaction() as tx:
            done = merging.merge(
                tx=tx, customer_ids=[one.customer_id for one in meant], leave_rest=leave_rest, credit=credit, why=why, **signed, **_parts(runtime)
            )  # fmt: skip
    _tell(done, as_json=as_json)


@click.command()
@customer_argument
@click.option(
    "--record", "records", multiple=True, metavar="SOURCE:ROW", help="A record to take out, as `history` shows it; without it, all of them."
)
@_why
@_rest
@_credit
@_identifier
@deciding
@data_option
@json_option
def unmerge(
    customer: str, records: tuple[str, ...], why: str, leave_rest: bool, credit: bool, rearrangement_id: UUID | None, decides: Deciding, data: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Take records out of a customer, together one of their own, as if they had never been merged; without any named, each of its records."""
    if not decides.is_asked:
        words = [customer, *(word for one in records for word in ("--record", one)), "--why", why, *_flags(leave_rest, credit)]
        decides.decide("consolidate", "unmerge", *words, what=_UNMERGE, said=_said(why, leave_rest, credit), data=data, as_json=as_json)
        return
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        with runtime.database.transaction() as tx:
            meant = meant_customer(tx=tx, named=customer)
            held = merging.history(tx=tx, customer_id=meant.customer_id)["records"]
        keys = [_record(held, one) for one in records] or None
        named = " ".join(str(key) for key in keys) if keys else "each"
        facts = {"customer": meant.customer_number, "records": named, **_said(why, leave_rest, credit)}
        signed = _signed(runtime, decides, _UNMERGE, facts, rearrangement_id)
        if signed is None:
            return
        with runtime.database.transaction() as tx:
            done = merging.unmerge(
                tx=tx, customer_id=meant.customer_id, source_keys=keys, different=True, leave_rest=leave_rest, credit=credit, why=why, **signed,
                **_parts(runtime),
            )  # fmt: skip
    _tell(done, as_json=as_json)


@click.command()
@customer_argument
@data_option
@json_option
def history(customer: str, data: Path, as_json: bool) -> None:
    """Show which legacy records a customer has, what was merged into it, and each merge and taking apart; nobody is named."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        meant = meant_customer(tx=tx, named=customer)
        found = merging.history(tx=tx, customer_id=meant.customer_id)
        into = merging.merged_into(tx=tx, customer_id=meant.customer_id)
        gone_on = None if into is None else meant_customer(tx=tx, named=str(into)).customer_number
    console = report_console(as_json=as_json)
    if gone_on:
        console.print(f"customer {meant.customer_number} was merged into {gone_on}")
    table = report_table(f"Records of customer {meant.customer_number}")
    for heading in ("record", "state", "loaded", "pseudonym"):
        table.add_column(heading)
    for row in found["records"]:
        table.add_row(f"{row['source']}:{row['source_row']}", row["state"].replace("_", " "), f"{row['loaded_at']:%Y-%m-%d}", str(row["source_key"]))
    console.print(table)
    for row in found["merged"]:
        console.print(f"{row['merged_at']:%Y-%m-%d %H:%M} {escape(row['merged_by'])}: customer {row['customer_number']} was merged into it")
    for row in found["rearrangements"]:
        console.print(f"{row['made_at']:%Y-%m-%d %H:%M} {escape(row['made_by'])}: {row['kind']}, {escape(row['why'])}")
    if as_json:
        emit_json({"customer_number": meant.customer_number, "merged_into": gone_on, **found})


def _merge_decided(by: str, data: Path, *, as_json: bool) -> None:
    if not by:
        raise InvalidInput("Nobody is named who has the decided pairs merged.", remedy="Say --by NAME, or name customers.", field="by")
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        done, left = reviewing.merge_decided(database=runtime.database, by=by, now=runtime.clock.now(), **_parts(runtime, with_now=False))
    console = report_console(as_json=as_json)
    console.print(f"{counted(len(done), 'decided pair is', 'decided pairs are')} one customer now")
    for review_left, reason in left:
        console.print(f"[yellow]{review_left.name} was left: {escape(reason)}[/]")
    if as_json:
        emit_json({
            "merged": [{"rearrangement": one.rearrangement_id, **one.report} for one in done],
            "left": [{"pair": one.name, "why": reason} for one, reason in left],
        })  # fmt: skip


def _signed(runtime: Runtime, decides: Deciding, what: str, facts: dict[str, str], rearrangement_id: UUID | None) -> dict[str, Any] | None:
    """Give who signed, and the identifier that makes the signature good for one deed; None where it was only said what is to be signed."""
    identifier = rearrangement_id or runtime.identifiers.new(runtime.clock.now())
    more = ("--rearrangement-id", str(identifier))
    signer = decides.signer(runtime.keeper, what=what, facts={"rearrangement": str(identifier), **facts}, more=more, role=MIGRATION_ENGINEER)
    return None if signer is None else {"by": signer.actor, "rearrangement_id": identifier}


def _parts(runtime: Runtime, *, with_now: bool = True) -> dict[str, Any]:
    parts: dict[str, Any] = {"keeper": runtime.keeper, "lake": runtime.lake, "identifiers": runtime.identifiers}
    return {**parts, "now": runtime.clock.now()} if with_now else parts


def _said(why: str, leave_rest: bool, credit: bool) -> dict[str, str]:
    if not why:
        raise unproven("Nothing says why.")
    return {"why": why, "leave_rest": "yes" if leave_rest else "no", "credit": "yes" if credit else "no"}


def _flags(leave_rest: bool, credit: bool) -> list[str]:
    return [*(["--leave-rest"] if leave_rest else []), *(["--credit"] if credit else [])]


def _meant(tx: Transaction, named: str) -> Review:
    """Give the pair that is meant; two whole pseudonyms that were in no doubt become one."""
    if len(named) == 73 and "_" not in named:
        try:
            one, other = UUID(named[:36]), UUID(named[37:])
        except ValueError:
            raise InvalidInput("That is no name of a pair.", remedy="`hoeksteen consolidate reviews` shows them.", field="pair") from None
        return reviewing.name_pair(tx=tx, one=one, other=other)
    return reviewing.pair_named(tx=tx, name=named)


def _record(held: Sequence[Row], named: str) -> UUID:
    found = [row["source_key"] for row in held if named in (str(row["source_key"]), f"{row['source']}:{row['source_row']}")]
    if len(found) != 1:
        raise InvalidInput(f"The customer has no record {named}.", remedy="`hoeksteen consolidate history` shows them, as fixed:12.", field="record")
    return UUID(str(found[0]))


def _words(code: str | None) -> str:
    return (code or "").replace("_", " ")


def _records(one: Review) -> str:
    return " + ".join(f"{source}:{row}" for source, row in zip(one.sources, one.rows, strict=True))


def _hanging(one: Review, stakes: dict[UUID, Stake]) -> Stake:
    nothing = reviewing.NOTHING
    return sum((stakes.get(customer, nothing) for customer in set(one.customers)), nothing)


def _review_json(one: Review, stake: Stake | None) -> dict[str, Any]:
    said = {
        "pair": one.name, "left": one.left, "right": one.right, "weight": one.weight, "reason": one.reason, "state": one.state, "why": one.why,
        "decided_by": one.decided_by, "decided_at": one.decided_at, "priority": one.priority, "one_customer": one.is_one_customer,
        "records": [f"{source}:{row}" for source, row in zip(one.sources, one.rows, strict=True)],
        "steps": [{"comparison": step.comparison, "level": step.level, "bits": step.bits} for step in one.steps],
    }  # fmt: skip
    return said if stake is None else {**said, "products": stake.products, "monthly": stake.monthly}


def _tell(done: Rearranged, *, as_json: bool) -> None:
    console = report_console(as_json=as_json)
    _print_report(console, done.report)
    if as_json:
        emit_json({"rearrangement": done.rearrangement_id, **done.report})


def _print_report(console: Console, report: dict[str, Any]) -> None:
    table = report_table("Customers and their records")
    for heading in ("customer", "status", "records"):
        table.add_column(heading, justify="right" if heading == "records" else "left")
    for one in report["customers"]:
        table.add_row(one["customer_number"], one["status"], f"{len(one['records'])}")
    console.print(table)
    console.print(f"{counted(sum(len(one['products']) for one in report['moved']), 'product')} moved")
    if report["credited"]:
        table = report_table("Credited, and charged to whom the product belongs")
        for heading in ("bill", "line", "what", "EUR", "credited", "credit note", "charged"):
            table.add_column(heading, justify="right" if heading in ("line", "EUR", "credited") else "left")
        for line in report["credited"]:
            charged = line["charged"].replace("_", " ")
            cells = (line["bill_number"], f"{line['line']}", line["kind"], line["amount"], line["credited"], line["credit_note"], charged)
            table.add_row(*cells)
        console.print(table)
    for paid in report["paid"]:
        console.print(f"{paid['amount']} euros that settled {paid['bill_number']} stay where they were paid")
    for customer_id, left in report["left"].items():
        what = [*left["open"], *(f"corrected {one}" for one in left["corrected"]), *(name.replace("_", " ") for name in left["terms"])]
        console.print(f"left with {customer_id}: {escape(', '.join(what))}")


commands = [reviews, review, explain, merge, unmerge, history]
