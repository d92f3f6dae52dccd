"""Invents an operator: three legacy exports that overlap, a month of usage, and the truth about both."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hoeksteen.kernel.errors import Conflict, InvalidInput
from hoeksteen.synth._broadband import write_broadband
from hoeksteen.synth._chance import Ints, plain_stream, stream
from hoeksteen.synth._clock import month_clock
from hoeksteen.synth._contracts import draw_contracts, draw_discounts
from hoeksteen.synth._customers import draw_customers
from hoeksteen.synth._entries import Operator
from hoeksteen.synth._firms import draw_firms
from hoeksteen.synth._fixed import write_fixed
from hoeksteen.synth._mobile import write_mobile
from hoeksteen.synth._people import draw_people, make_some_ambiguous, take_partner_names
from hoeksteen.synth._records import Records, draw_records, maiden_name_persons, rejectable_count
from hoeksteen.synth._usage_lines import usage_lines
from hoeksteen.synth._usage_sessions import write_sessions
from hoeksteen.synth._usage_voice import draw_destinations, write_voice
from hoeksteen.synth.model import MOBILE, REJECTS, SOURCES, SourceTotals, Truth, UsageFileTruth

FIRMS_SHARE = 0.08
RECORDS_PER_LINE = 100.0
CUSTOMERS_MIN, CUSTOMERS_MAX = 20, 5_000_000
_RECORDS_PER_FILE = 400_000
_FILES_MIN = 2
_TRUTH_CHUNK = 200_000

_OURS = ("fixed.csv", "mobile.jsonl", "broadband.sqlite", "truth.parquet", "usage_truth.json", "usage/voice_sms_*.csv", "usage/sessions_*.jsonl")
_TRUTH_FLAGS = ("moved", "surname_typo", "no_birth_date", "birth_date_typo", "maiden_name", "duplicate_in_source", "ambiguous_birth_date")
_TRUTH_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("source", "source_key", "person_id", "household_id", "kind", "father_son_pair", "twin_pair")]
    + [(name, pa.bool_()) for name in _TRUTH_FLAGS]
    + [("reject", pa.string())]
)

Progress = Callable[[str, int, int], None]


def invent(
    *, directory: Path, customers: int, seed: int, month: date, progress: Progress | None = None, records_per_line: float = RECORDS_PER_LINE
) -> Truth:
    """
    Write a whole operator, the same bytes for the same arguments.

    The layout of each file is in README.md. `truth.json` is written last: what lies in a directory without it was left by an interrupted run,
    and is made anew.

    :param customers: true persons and firms, 20 to 5,000,000
    :param month: the first day of the month of usage
    :param progress: called with the stage, what is done and how much there is
    :param records_per_line: usage records of a mobile line in the middle that is active all month; from 0.6 to 1.5 times as many for others
    :raises InvalidInput: when an argument is out of bounds
    :raises Conflict: when the directory holds an operator, or anything that is not ours
    """
    _check(customers, month, records_per_line)
    _make_room(directory)
    report = progress or (lambda _stage, _done, _of: None)
    report("people", 0, 1)
    operator, ambiguous = _draw(seed, customers, month)
    report("people", 1, 1)
    totals = {}
    for number, (name, write) in enumerate(
        (("fixed.csv", write_fixed), ("mobile.jsonl", write_mobile), ("broadband.sqlite", write_broadband)), start=1
    ):
        report("exports", number - 1, len(SOURCES))
        totals[name.partition(".")[0]] = write(path=directory / name, operator=operator)
    report("exports", len(SOURCES), len(SOURCES))
    flags = _ambiguous_records(operator.records, ambiguous)
    _write_truth(directory / "truth.parquet", operator, flags)
    usage = _write_usage(directory / "usage", operator, month, records_per_line, report)
    truth = _summary(operator, customers, month, totals, usage, flags)
    content = {"files": [asdict(file) for file in truth.usage], "total": asdict(truth.usage_totals())}
    (directory / "usage_truth.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (directory / "truth.json").write_text(json.dumps(truth.exports(), indent=1) + "\n", encoding="utf-8")
    return truth


def _check(customers: int, month: date, records_per_line: float) -> None:
    if not CUSTOMERS_MIN <= customers <= CUSTOMERS_MAX:
        raise InvalidInput(f"An operator of {customers} customers cannot be invented.", remedy=f"Ask for {CUSTOMERS_MIN} to {CUSTOMERS_MAX}.")
    if month.day != 1 or not 2000 <= month.year <= 2099:
        raise InvalidInput(f"{month} is not the first day of a month between 2000 and 2099.", remedy="Give the month as in 2026-10-01.")
    if not 1 <= records_per_line <= 10_000:
        raise InvalidInput(f"{records_per_line} usage records per line are out of bounds.", remedy="Ask for 1 to 10,000.")


def _make_room(directory: Path) -> None:
    """Make the directory, or clear what an interrupted run of ours has left in it."""
    usage = directory / "usage"
    found = [*(directory.iterdir() if directory.exists() else ()), *(usage.iterdir() if usage.is_dir() else ())]
    ours = [path for path in found if path.is_file() and any(path.match(name) for name in _OURS)]
    if directory / "truth.json" in found or {*ours, usage} < {*found, usage}:
        raise Conflict(f"{directory} is in use.", remedy="Give a directory that does not exist or is empty.")
    for path in ours:
        path.unlink()
    usage.mkdir(parents=True, exist_ok=True)


def _draw(seed: int, customers: int, month: date) -> tuple[Operator, Ints]:
    firms_count = round(customers * FIRMS_SHARE)
    people = draw_people(seed=seed, count=customers - firms_count, rejectable=rejectable_count(customers), month=month)
    records = draw_records(seed=seed, people=people, firms=firms_count)
    take_partner_names(people=people, seed=seed, maiden=maiden_name_persons(records))
    sizes = np.bincount(people.household)
    alone = np.flatnonzero(sizes[people.household] == 1)
    mobile = np.unique(records.customer[(records.source == MOBILE) & (records.reject == 0)])
    ambiguous = make_some_ambiguous(people=people, seed=seed, eligible=np.intersect1d(alone, mobile))
    firms = draw_firms(seed=seed, count=firms_count, people=people)
    contracts = draw_contracts(seed=seed, people=people, records=records, month=month)
    placed, numbers = draw_customers(seed=seed, people=people, firms=firms, records=records, contracts=contracts)
    discounts = draw_discounts(seed=seed, contracts=contracts, records=records, month=month)
    return Operator(seed, people, firms, placed, records, contracts, numbers, discounts), ambiguous


def _ambiguous_records(records: Records, ambiguous: Ints) -> Ints:
    return np.flatnonzero((records.source == MOBILE) & np.isin(records.customer, ambiguous) & ~records.no_birth_date & ~records.birth_date_typo)


def _write_truth(path: Path, operator: Operator, ambiguous: Ints) -> None:
    records, people = operator.records, operator.people
    disputed = np.zeros(len(records), np.bool_)
    disputed[ambiguous] = True
    households = operator.customers.household
    first_rejectable = len(people) - people.rejectable
    with pq.ParquetWriter(path, _TRUTH_SCHEMA, compression="zstd") as writer:
        for begin in range(0, len(records), _TRUTH_CHUNK):
            span = range(begin, min(begin + _TRUTH_CHUNK, len(records)))
            part = slice(span.start, span.stop)
            customer = records.customer[part].tolist()
            kinds = ["organization" if index >= len(people) else "individual" for index in customer]
            letters = ["C" if index >= len(people) else "X" if index >= first_rejectable else "P" for index in customer]
            columns = [
                [SOURCES[source] for source in records.source[part].tolist()],
                [records.source_key(index) for index in span],
                [f"{letter}{index:07d}" for letter, index in zip(letters, customer, strict=True)],
                [f"H{int(households[index]):07d}" for index in customer],
                kinds,
                [_pair("F", int(people.pair[index])) if index < len(people) else None for index in customer],
                [_pair("T", int(people.twins[index])) if index < len(people) else None for index in customer],
                *(flag[part] for flag in (records.moved, records.surname_typo, records.no_birth_date, records.birth_date_typo, records.maiden_name)),
                records.duplicate[part],
                disputed[part],
                [REJECTS[reject] or None for reject in records.reject[part].tolist()],
            ]
            arrays = [pa.array(column, kind.type) for column, kind in zip(columns, _TRUTH_SCHEMA, strict=True)]
            writer.write_table(pa.table(arrays, schema=_TRUTH_SCHEMA))


def _pair(letter: str, number: int) -> str | None:
    return f"{letter}{number:06d}" if number >= 0 else None


def _write_usage(directory: Path, operator: Operator, month: date, records_per_line: float, report: Progress) -> list[UsageFileTruth]:
    """Write the month's usage, each file about the lines of one switch; chunks bound the memory."""
    clock = month_clock(month)
    lines = usage_lines(operator, clock)
    mixed = stream(operator.seed, "switches").permutation(len(lines.number))
    files = max(_FILES_MIN, int(-(-len(mixed) * records_per_line // _RECORDS_PER_FILE)))
    destinations = draw_destinations(plain_stream(operator.seed, "destinations"), own=lines.number)
    nobody = operator.numbers.nobody
    calls, sessions, truths = None, None, []
    for number, chosen in enumerate(np.array_split(mixed, files), start=1):
        part, last = lines.part(np.sort(chosen)), number == files
        calls, truth = write_voice(
            directory=directory,
            number=number,
            last=last,
            chance=stream(operator.seed, f"voice {number}"),
            lines=part,
            clock=clock,
            destinations=destinations,
            nobody=nobody,
            records_per_line=records_per_line,
            carried=calls,
        )
        truths.append(truth)
        sessions, truth = write_sessions(
            directory=directory,
            number=number,
            last=last,
            chance=stream(operator.seed, f"sessions {number}"),
            lines=part,
            clock=clock,
            nobody=nobody,
            records_per_line=records_per_line,
            carried=sessions,
        )
        truths.append(truth)
        report("usage", number, files)
    return truths[::2] + truths[1::2]


def _summary(operator: Operator, customers: int, month: date, totals: dict[str, SourceTotals], usage: list[UsageFileTruth], ambiguous: Ints) -> Truth:
    records, people = operator.records, operator.people
    true = records.reject == 0
    personal = true & (records.customer < len(people))
    _, systems = np.unique(records.customer[true & ~records.duplicate], return_counts=True)
    of_people, people_systems = np.unique(records.customer[personal & ~records.duplicate], return_counts=True)
    several = int((people_systems > 1).sum())
    individuals = len(of_people)
    counts = {
        "in_several_systems": int((systems > 1).sum()),
        "people_in_several_systems": several,
        "records_of_people": int(personal.sum()),
        "moved": len(np.unique(records.customer[records.moved])),
        "surname_typo": int(records.surname_typo.sum()),
        "no_birth_date": int(records.no_birth_date.sum()),
        "birth_date_typo": int(records.birth_date_typo.sum()),
        "maiden_name": int(records.maiden_name.sum()),
        "fathers_and_sons": int((people.pair >= 0).sum()),
        "twins": int((people.twins >= 0).sum()),
        "duplicates_in_source": int(records.duplicate.sum()),
        "ambiguous_birth_date": len(ambiguous),
        "sole_traders_who_are_customers": sum(firm.owner >= 0 for firm in operator.firms),
        **{f"reject_{kind}": int((records.reject == index).sum()) for index, kind in enumerate(REJECTS) if index},
        **_contract_counts(operator, month),
    }
    shares = {
        "in_several_systems": counts["in_several_systems"] / customers,
        "moved": counts["moved"] / individuals,
        "surname_typo": counts["surname_typo"] / counts["records_of_people"],
        "no_birth_date": counts["no_birth_date"] / counts["records_of_people"],
        "birth_date_typo": counts["birth_date_typo"] / counts["records_of_people"],
        "maiden_name": counts["maiden_name"] / individuals,
        "fathers_and_sons": counts["fathers_and_sons"] / individuals,
        "twins": counts["twins"] / individuals,
        "duplicates_in_source": counts["duplicates_in_source"] / customers,
    }
    households = len(np.unique(operator.customers.household[np.unique(records.customer[true])]))
    return Truth(
        customers,
        individuals,
        len(operator.firms),
        households,
        operator.seed,
        f"{month:%Y-%m}",
        len(records),
        counts,
        {name: round(share, 5) for name, share in shares.items()},
        totals,
        usage,
    )


def _contract_counts(operator: Operator, month: date) -> dict[str, int]:
    contracts = operator.contracts
    loadable = operator.records.reject[contracts.record] == 0
    return {
        "products": int(loadable.sum()),
        "products_activated_in_month": int((loadable & (contracts.start >= month.toordinal())).sum()),
        "products_terminated_in_month": int((contracts.end > 0).sum()),
        "products_suspended": int((contracts.suspended > 0).sum()),
        "discounts": len(operator.discounts),
    }
