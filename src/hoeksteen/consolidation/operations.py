"""Consolidation: several overlapping legacy exports become one set of customers, sealed, with every record accounted for."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import repeat
from pathlib import Path
from uuid import UUID

from hoeksteen.consolidation import _store
from hoeksteen.consolidation._across import settle_across
from hoeksteen.consolidation._expected import expected_of
from hoeksteen.consolidation._load import Here, Plan, load_rejected
from hoeksteen.consolidation._loading import load_clusters
from hoeksteen.consolidation._reading import reading
from hoeksteen.consolidation._records import RECORDS_PER_CALL, explain_doubts, places_to_keep, seal_records
from hoeksteen.consolidation._staging import Staged, forbid_core_dumps
from hoeksteen.consolidation.clusters import build_clusters
from hoeksteen.consolidation.examples import require_examples
from hoeksteen.consolidation.features import facts_of
from hoeksteen.consolidation.list_prices import Estimate, distribution, estimate, with_prices
from hoeksteen.consolidation.mapping import Mapping, read_mapping
from hoeksteen.consolidation.matching import score_pairs
from hoeksteen.consolidation.model import Cluster, Decided, Doubt, Extract, Finding, Source
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.consolidation.reader_kinds import ONE_TABLE
from hoeksteen.consolidation.reconcile import balances
from hoeksteen.consolidation.report import FindingCount, Prices, Report
from hoeksteen.consolidation.reviewing import prioritise
from hoeksteen.consolidation.scope import Scope
from hoeksteen.consolidation.truth import Truth, quality, read_truth
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import Conflict, InvalidInput, WrongState
from hoeksteen.kernel.time_period import local_day, start_of_day
from hoeksteen.product.operations import load_catalogue
from hoeksteen.product.queries import recurring_prices
from hoeksteen.storage.postgres import Database, Transaction

CLUSTERS_PER_BATCH = 1_000


# told what is being done, how much of it is done, and how much there is
Progress = Callable[[str, int, int], None]
PeopleSaid = dict[tuple[UUID, UUID], bool]


@dataclass(slots=True)
class _Run:
    """Everything that one run holds in memory; nothing of it is ever written to disk in the clear."""

    mappings: dict[str, Mapping]
    extracts: list[Extract]
    estimates: dict[str, Estimate]
    records: Staged = field(default_factory=Staged)
    clusters: list[Cluster] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


def consolidate(
    *,
    database: Database,
    keeper: KeeperClient,
    sources: Sequence[Source],
    pseudonyms: Pseudonyms,
    cutover: date,
    now: datetime,
    progress: Progress | None = None,
    truth: Path | None = None,
    clusters_per_batch: int = CLUSTERS_PER_BATCH,
    processes: int | None = None,
    scope: Scope | None = None,
) -> Report:
    """
    Bring legacy exports in: read, standardise, match, merge, seal, load and reconcile.

    Everything that can be wrong with mappings and files is found before anything is written. Loading then commits batch by batch; after an
    interruption the same call goes on where it stopped, and makes nothing twice.

    :param sources: all exports of the operator that may hold the same customers; they are matched together, or not at all
    :param cutover: the first local day that is billed here, for products whose source does not say it; the day whose recurring revenue is compared
    :param truth: a Parquet file that says which records are one person, for precision and recall
    :param clusters_per_batch: customers per transaction
    :param processes: that read and load beside this one, or 0; without it, as many as there are cores, where that is worth their start
    :param scope: says which clusters are loaded now, where not all are, and is told what was
    :raises InvalidInput: when a mapping or a file is wrong; the message names file, line and field
    :raises WrongState: when the pseudonym key is another than at earlier runs, or a source that was loaded earlier is not among the sources
    :raises Conflict: when another consolidation is running
    :raises AccessDenied: when the standing grant for `migration` does not cover this
    """
    tell = progress or (lambda stage, done, total: None)
    known_truth = read_truth(truth) if truth is not None else None
    forbid_core_dumps()
    run = _read(sources, pseudonyms, cutover, now, tell, processes)
    with _alone(database):
        with database.transaction() as tx:
            _require_same_key(tx, pseudonyms)
            _require_all_sources(tx, run)
            _ensure_catalogue(tx, run, now)
            plan = _plan(tx, run, cutover, now)
        with database.transaction() as tx:
            decided = _store.decided_pairs(tx)
        _match(run, decided, tell)
        _load(database, keeper, run, plan, clusters_per_batch, tell, scope or Scope(), processes)
        tell("reconciling", 0, len(run.records))
        with database.transaction() as tx:
            report = _report(tx, run, plan, known_truth)
        tell("reconciling", len(run.records), len(run.records))
        return report


def _read(sources: Sequence[Source], pseudonyms: Pseudonyms, cutover: date, now: datetime, tell: Progress, processes: int | None) -> _Run:
    mappings = {}
    for source in sources:
        mapping = read_mapping(source.mapping)
        if mapping.source in mappings:
            raise InvalidInput(
                f"{source.mapping}, field source: {mapping.source} is named twice.", remedy="Give each source one mapping and one input."
            )
        require_examples(mapping=mapping, today=local_day(now), cutover=cutover)
        mappings[mapping.source] = mapping
    run = _Run(mappings, [], {})
    pairs = list(zip(sources, mappings.values(), strict=True))
    with reading(pairs, pseudonyms, local_day(now), cutover, processes) as read:
        for number, (source, mapping) in enumerate(pairs):
            tell("reading", number, len(sources))
            found = read(source, mapping)
            if mapping.services is not None:
                _give_prices(run, found, mapping, cutover)
            _require_another_file(run, found, mapping)
            run.extracts.append(found)
    settle_across(run.extracts, mappings, cutover)
    tell("reading", len(sources), len(sources))
    for found in sorted(run.extracts, key=lambda found: not found.matched):
        run.records.extend(found.records)
    return run


def _require_another_file(run: _Run, found: Extract, mapping: Mapping) -> None:
    """One export under two names would make every customer twice; a database or a workbook may hold two systems."""
    if not isinstance(mapping.reader, ONE_TABLE):
        return
    again = next((one for one in run.extracts if one.digest == found.digest), None)
    if again is not None:
        raise InvalidInput(
            f"{found.file} holds the same as {again.file}, to the byte: one export is given twice.", remedy="Name the right export for each mapping."
        )


def _give_prices(run: _Run, found: Extract, mapping: Mapping, cutover: date) -> None:
    estimated = run.estimates[mapping.source] = estimate(records=found.records, mapping=mapping)
    found.records = Staged(with_prices(record, change, estimated) for record, change in zip(found.records, estimated.adjustments, strict=True))
    found.expected = expected_of(found.records, cutover)


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Hold the lock that lets one consolidation run at a time."""
    with database.transaction() as tx:
        if not _store.lock(tx):
            raise Conflict("Another consolidation is running.", remedy="Wait until it is done, then run this again.")
        with database.transaction() as other:
            _store.wait_for_loading(other)
        yield


def _require_same_key(tx: Transaction, pseudonyms: Pseudonyms) -> None:
    known = _store.pseudonym_fingerprint(tx)
    if known is None:
        _store.keep_pseudonym_fingerprint(tx, pseudonyms.fingerprint)
    elif known != pseudonyms.fingerprint:
        raise WrongState(
            "The key of the pseudonyms is another than when customers were loaded; going on would make every customer twice.",
            remedy="Restore consolidation.key in the application's keys directory.",
        )


def _require_all_sources(tx: Transaction, run: _Run) -> None:
    """Records can be matched only against what is given: what was loaded earlier is sealed."""
    if not any(found.matched for found in run.extracts):
        return
    absent = sorted(name for name, row in _store.source_files(tx).items() if row["matched"] and name not in run.mappings)
    if absent:
        raise WrongState(
            f"The source {absent[0]} was loaded earlier and is not among the inputs, so that its customers would be made again.",
            remedy=f"Name the mapping and the export of {', '.join(absent)} as well.",
        )


def _ensure_catalogue(tx: Transaction, run: _Run, now: datetime) -> None:
    if any(mapping.services is None for mapping in run.mappings.values()):
        load_catalogue(tx=tx, now=now)
    for estimated in run.estimates.values():
        load_catalogue(tx=tx, mapping=estimated.catalogue, now=now)


def _plan(tx: Transaction, run: _Run, cutover: date, now: datetime) -> Plan:
    at = start_of_day(cutover)
    prices: dict[str, Decimal] = {
        price.product_offering_id: price.amount
        for price in recurring_prices(tx=tx)
        if price.valid_from <= at and (price.valid_to is None or at < price.valid_to)
    }
    for found in run.extracts:
        for offering, row in sorted(found.offerings.items(), key=lambda item: item[1]):
            if offering not in prices:
                raise InvalidInput(
                    f"{found.file} line {row}: the offering {offering} has no recurring price on {cutover}.",
                    remedy=f"Correct the codes in {run.mappings[found.source].file}, or --cutover.",
                )
    return Plan(
        trust={name: mapping.trust for name, mapping in run.mappings.items()},
        tax_included={name: mapping.tax_included for name, mapping in run.mappings.items()},
        titles={name: mapping.title for name, mapping in run.mappings.items()},
        list_prices=prices,
        cutover=cutover,
        now=now,
    )


def _match(run: _Run, decided: PeopleSaid, tell: Progress) -> None:
    count = sum(len(found.records) for found in run.extracts if found.matched)
    tell("matching", 0, len(run.records))
    facts = facts_of(run.records if count == len(run.records) else run.records[:count])
    _name_tests(run, facts.tests())
    trusts = [trust for found in run.extracts if found.matched for trust in repeat(found.trust, len(found.records))]
    rank = list(zip(trusts, range(count), strict=True))
    places = {record_id: place for place, record_id in zip(range(count), run.records.record_ids(), strict=False)} if decided else {}
    said = [Decided(places[left], places[right], same) for (left, right), same in decided.items() if left in places and right in places]
    run.clusters, run.doubts = build_clusters(facts=facts, pairs=score_pairs(facts, said), rank=rank, decided=said)
    run.clusters += [Cluster((place,)) for place in range(count, len(run.records))]
    tell("matching", len(run.records), len(run.records))


def _name_tests(run: _Run, places: Sequence[int]) -> None:
    extracts = {found.source: found for found in run.extracts}
    for record in (run.records[place] for place in places):
        found = extracts[record.source]
        found.findings.append(Finding(found.source, f"{found.file.name}:{record.row}", "name", "test_record"))


def _load(
    database: Database, keeper: KeeperClient, run: _Run, plan: Plan, batch: int, tell: Progress, scope: Scope, processes: int | None
) -> None:  # fmt: skip
    here = Here({}, {}, set())
    with database.transaction() as tx:
        for found in run.extracts:
            mapping = run.mappings[found.source]
            count = len(found.records) + len(found.rejected)
            _store.keep_source_file(tx, found.source, mapping.title, mapping.trust, mapping.match, found.digest, count, plan.now)
            _compare(tx, found, here)
            _store.replace_findings(tx, found.source, found.findings)
            load_rejected(tx=tx, source=found.source, rejected=found.rejected, known=here.owner_of, now=plan.now)
    with database.transaction() as tx:
        clusters = scope.choose(tx=tx, clusters=run.clusters, records=run.records, extracts=run.extracts, owner_of=here.owner_of)
        joined = _joined(clusters, run.records, here.owner_of)
        here.altered.update(scope.changed_here(tx=tx, customer_ids=joined) if joined else ())
    if here.owner_of:
        for place, record_id in enumerate(run.records.record_ids()):
            if (owner := here.owner_of.get(record_id)) is not None:
                here.members_of.setdefault(owner, []).append(place)
    load_clusters(
        database=database, keeper=keeper, clusters=clusters, records=run.records, plan=plan, here=here, batch=batch, scope=scope,
        processes=processes, told=lambda done: tell("loading", done, len(clusters)),
    )  # fmt: skip
    doubted = {place for doubt in run.doubts for place in (doubt.left, doubt.right)}
    loaded = {place for cluster in clusters for place in cluster.members if place in doubted}
    loaded |= {place for place in doubted if run.records.record_id(place) in here.owner_of}
    with database.transaction() as tx:
        both_here = [doubt for doubt in run.doubts if doubt.left in loaded and doubt.right in loaded]
        pairs = [(run.records.record_id(doubt.left), run.records.record_id(doubt.right), doubt) for doubt in both_here]
        _store.add_reviews(tx, [(left, right, Decimal(str(doubt.weight)), doubt.reason) for left, right, doubt in pairs])
    tell("loading", len(clusters), len(clusters))
    _keep_for_review(database, keeper, run, plan, tell)


def _joined(clusters: Sequence[Cluster], records: Staged, owner_of: dict[UUID, UUID]) -> list[UUID]:
    """Give the customers who are here already and whom new records would join."""
    found: set[UUID] = set()
    for cluster in clusters if owner_of else ():
        owners = [owner_of.get(records.record_id(place)) for place in cluster.members]
        if None in owners:
            found.update(owner for owner in owners if owner is not None)
    return sorted(found)


def _keep_for_review(database: Database, keeper: KeeperClient, run: _Run, plan: Plan, tell: Progress) -> None:
    """Keep what each record said that may be taken out of its customer, or be somebody else's; done again, it does what is missing."""
    changed = {record_id for found in run.extracts for record_id in found.changed}
    places = places_to_keep(clusters=run.clusters, doubts=run.doubts)
    places = [place for place in places if run.records.record_id(place) not in changed]
    for start in range(0, len(places), RECORDS_PER_CALL):
        tell("keeping", start, len(places))
        with database.transaction() as tx:
            some = places[start : start + RECORDS_PER_CALL]
            seal_records(tx=tx, keeper=keeper, records=run.records, places=some, tax_included=plan.tax_included)
    with database.transaction() as tx:
        explain_doubts(tx=tx, records=run.records, doubts=run.doubts)
        prioritise(tx=tx, now=plan.now)
    tell("keeping", len(places), len(places))


def _compare(tx: Transaction, found: Extract, here: Here) -> None:
    """A record that is here already is left as it is; when the source says something else by now, or nothing any more, that is a finding."""
    loaded = {row["source_key"]: row for row in _store.loaded_records(tx, found.source)}
    here.owner_of.update((record_id, row["customer_id"]) for record_id, row in loaded.items())
    if loaded:
        records = found.records
        entries = [(record_id, records.row(place), records.digest(place)) for place, record_id in enumerate(records.record_ids())]
        for record_id, number, digest in entries + [(entry.record_id, entry.row, None) for entry in found.rejected]:
            row = loaded.pop(record_id, None)
            if row is not None and bytes(row["digest"]) != digest:
                found.changed.add(record_id)
                found.findings.append(Finding(found.source, f"{found.file.name}:{number}", "record", "changed_since_loaded"))
    found.gone.update(loaded)
    found.findings += [
        Finding(found.source, f"{found.file.name}:{row['source_row']}", "record", "gone_since_loaded")
        for row in sorted(loaded.values(), key=lambda row: int(row["source_row"]))
    ]
    here.altered.update(here.owner_of[record_id] for record_id in found.changed | found.gone)


def _report(tx: Transaction, run: _Run, plan: Plan, truth: Truth | None) -> Report:
    found = balances(tx=tx, extracts=run.extracts, titles=plan.titles, cutover=plan.cutover)
    return Report(
        sources=tuple(found),
        customers=_store.count_customers(tx, list(run.mappings)),
        reviews=_store.count_open_reviews(tx),
        rejected=_counted([entry.finding for extract in run.extracts for entry in extract.rejected]),
        findings=_counted([finding for extract in run.extracts for finding in extract.findings]),
        match=quality(clusters=run.clusters, records=run.records, truth=truth) if truth is not None else None,
        prices=tuple(_prices(name, estimated, run) for name, estimated in run.estimates.items()),
    )


def _counted(findings: Sequence[Finding]) -> tuple[FindingCount, ...]:
    counts: Counter[tuple[str, str, str]] = Counter()
    first: dict[tuple[str, str, str], str] = defaultdict(str)
    for finding in findings:
        what = (finding.source, finding.field, finding.code)
        counts[what] += 1
        first[what] = first[what] or finding.place
    return tuple(FindingCount(*what, count, first[what]) for what, count in sorted(counts.items()))


def _prices(name: str, estimated: Estimate, run: _Run) -> Prices:
    records = next(found for found in run.extracts if found.source == name).records
    charges = [record.charges for record in records if record.charges is not None]
    return Prices(
        source=name,
        prices=estimated.prices,
        adjustment_abs_max=max((abs(change) for change in estimated.adjustments), default=Decimal(0)),
        adjustments=distribution(estimated.adjustments),
        total_differences=distribution([charge.total - charge.monthly * charge.tenure_months for charge in charges if charge.total is not None]),
        blank_totals=sum(charge.total is None for charge in charges),
    )
