"""Reading and searching personal data, through the keeper; each call stands in the keeper's log before it answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hoeksteen.disclosure import _store
from hoeksteen.disclosure._keeper import as_our_errors
from hoeksteen.kernel.errors import AccessDenied, invariant
from hoeksteen.kernel.sealed import Category, Sealed
from hoeksteen.storage import by_customer
from hoeksteen.storage.postgres import Transaction
from hoeksteen_keeper.client import Found, Hit, KeeperClient, Revealed, Session

SUBJECTS_PER_CALL_MAX = 1_000
_ENTRIES_PER_PAGE = 10_000
Context = Mapping[str, str | bool]


def reveal(
    *,
    tx: Transaction,
    keeper: KeeperClient,
    purpose: str,
    category: Category,
    subjects: Sequence[UUID],
    context: Context | None = None,
    grant: str | None = None,
) -> dict[UUID, Revealed]:
    """
    Give the personal data of some subjects in one category; a subject without any is absent.

    :raises AccessDenied: with the keeper's reason, when the actor may not see this
    :raises Unavailable: when the keeper does not answer
    """
    blobs = _store.blobs(tx, category, subjects)
    return open_blobs(keeper=keeper, purpose=purpose, category=category, blobs=blobs, context=context, grant=grant)


def sealed(*, tx: Transaction, category: Category, subjects: Sequence[UUID]) -> list[Sealed]:
    """Give the sealed blobs themselves, which the business side holds and cannot open; a subject without one is absent."""
    return [Sealed(subject, category, blob) for subject, blob in _store.blobs(tx, category, subjects)]


def open_blobs(
    *,
    keeper: KeeperClient,
    purpose: str,
    category: Category,
    blobs: Sequence[tuple[UUID, bytes]],
    context: Context | None = None,
    grant: str | None = None,
) -> dict[UUID, Revealed]:
    """Give the personal data inside blobs that the caller holds, such as the buyer frozen on a bill; one blob per subject."""
    return {one.subject: one for one in open_each(keeper=keeper, purpose=purpose, category=category, blobs=blobs, context=context, grant=grant)}


def open_each(
    *,
    keeper: KeeperClient,
    purpose: str,
    category: Category,
    blobs: Sequence[tuple[UUID, bytes]],
    context: Context | None = None,
    grant: str | None = None,
) -> list[Revealed]:
    """Give the personal data inside each blob, in order; a subject may have several, such as the notes about it."""
    opened: list[Revealed] = []
    for start in range(0, len(blobs), SUBJECTS_PER_CALL_MAX):
        with as_our_errors():
            opened += keeper.reveal(
                purpose=purpose, category=category, items=blobs[start : start + SUBJECTS_PER_CALL_MAX], context=context, grant=grant
            )
    invariant([one.subject for one in opened] == [subject for subject, _ in blobs], "the keeper opens exactly what was asked for, in order")
    return opened


def search(*, keeper: KeeperClient, purpose: str, index: str, value: str, context: Context | None = None, limit: int = 50) -> list[Hit]:
    """
    Find subjects by a value in one of the keeper's blind indexes.

    :raises AccessDenied: when the actor may not search for this purpose
    """
    with as_our_errors():
        return keeper.search(purpose=purpose, index=index, value=value, context=context, limit=limit)


def lookup(*, keeper: KeeperClient, purpose: str, index: str, values: Sequence[str]) -> list[list[Hit]]:
    """Find the subjects of many values at once, for batch work under a standing grant; one list per value, in order."""
    with as_our_errors():
        hits = keeper.lookup(purpose=purpose, index=index, values=values)
    invariant(len(hits) == len(values), "the keeper answers each value")
    return hits


def lookup_refs(*, keeper: KeeperClient, purpose: str, index: str, values: Sequence[str]) -> Found:
    """Find the subjects of many values at once and what they refer to, as columns, for batch work under a standing grant."""
    with as_our_errors():
        found = keeper.lookup_refs(purpose=purpose, index=index, values=values)
    invariant(len(found.subjects) == len(found.refs) == 16 * len(found.places), "the keeper gives a subject and a ref for each place")
    return found


def open_traffic(
    *, keeper: KeeperClient, purpose: str, month: str, column: str, subject: UUID, records: bytes, blocks: bytes, context: Context | None = None
) -> bytes:
    """
    Open one column of one subject's traffic data.

    :param records: 16 bytes of record identity per block
    :returns: 8 bytes per block, little-endian; where the actor may see masked only, what is left of a number is less than a hundred
    """
    with as_our_errors():
        values = keeper.traffic_open(purpose=purpose, month=month, column=column, subject=subject, records=records, blocks=blocks, context=context)
    invariant(len(records) == 2 * len(values), "the keeper gives one value per traffic block")
    return values


def deduplication_tokens(*, keeper: KeeperClient, month: str, values: bytes) -> bytes:
    """
    Give a token per number that tells equal numbers of a month apart from others and nothing else.

    :param values: 8 bytes per number, little-endian
    :returns: 16 bytes per number; they are never stored
    """
    with as_our_errors():
        return keeper.deduplication_tokens(month=month, values=values)


def bulk_grant(*, keeper: KeeperClient, purpose: str, categories: Sequence[Category]) -> str:
    """
    Give the running grant within which a service may work on anybody's data of these categories for a purpose; the one that lasts longest.

    :raises AccessDenied: with the reason `no_grant`, when none of its own runs
    """
    with as_our_errors():
        running = keeper.grants(state="running")
    wanted = {str(category) for category in categories}
    fitting = [
        one for one in running if (one["state"], one["purpose"], one["subjects"]) == ("running", purpose, "any") and wanted <= set(one["categories"])
    ]
    if not fitting:
        raise AccessDenied(
            f"No bulk grant for {purpose} runs.", reason="no_grant",
            remedy="Ask for one with `hoeksteen-keeper grant request`, and have two people approve it.",
        )  # fmt: skip
    return str(max(fitting, key=lambda one: one["valid_to"])["id"])


def did_see(
    *, keeper: KeeperClient, subject: UUID | None = None, since: datetime | None = None, until: datetime | None = None
) -> list[dict[str, Any]]:
    """Give the log's entries about a subject: who saw what, when, why and under which grant."""
    with as_our_errors():
        return keeper.did_see(subject=subject, since=since, until=until)


def seen_within(
    *, keeper: KeeperClient, actor: str, reference: str, since: datetime, until: datetime | None, subject: UUID | None = None
) -> list[dict[str, Any]]:  # fmt: skip
    """
    Give the log's entries of one piece of work, such as a run: what it sealed, opened and looked for, and what was refused.

    :param reference: what the work calls itself in its entries
    :param subject: only those about this subject
    :raises AccessDenied: when the asker may not ask what an actor, or who of a subject, saw
    """
    found: list[dict[str, Any]] = []
    after: int | None = None
    while True:
        with as_our_errors():
            page = keeper.did_see(subject=subject, actor=actor, since=since, until=until, after=after, limit=_ENTRIES_PER_PAGE)
        found += [entry for entry in page if entry.get("reference") == reference]
        if len(page) < _ENTRIES_PER_PAGE:
            return found
        after = page[-1]["index"]


def could_see(*, keeper: KeeperClient, subject: UUID, at: datetime | None = None) -> dict[str, Any]:
    """Give everyone who could have seen a subject at an instant, what exactly, and by which rule."""
    with as_our_errors():
        return keeper.could_see(subject=subject, at=at)


def evidence_bundle(*, keeper: KeeperClient, subject: UUID, since: datetime | None = None, until: datetime | None = None) -> bytes:
    """Give the proof of a subject's disclosures as one file, for `hoeksteen-verify`."""
    with as_our_errors():
        return keeper.export_bundle(subject=subject, since=since, until=until)


def login_url(*, keeper: KeeperClient, return_to: str, state: str) -> str:
    """Give the keeper's log-in page, to which a browser is sent; it leads back to `return_to` with a code and `state`."""
    with as_our_errors():
        return keeper.login_url(return_to=return_to, state=state)


def exchange(*, keeper: KeeperClient, code: str) -> Session:
    """Give the session for the one-time code with which the keeper sent a person back."""
    with as_our_errors():
        return keeper.exchange(code=code)


def session(*, keeper: KeeperClient, token: str) -> Session:
    """
    Give whose session a token is.

    :raises AccessDenied: when it has expired or was ended
    """
    with as_our_errors():
        return keeper.session(token)


def counts(*, tx: Transaction) -> dict[str, tuple[int, int]]:
    """Give, per category, how many sealed blobs are kept and how many of them are empty; nothing is opened."""
    return _store.counts(tx)


def fingerprints(*, tx: Transaction, subjects: Sequence[UUID]) -> dict[UUID, str]:
    """Give a digest of each subject's sealed blobs, to see whether somebody sealed anything anew since; nothing is opened."""
    return by_customer.fingerprints(tx, ("disclosure.sealed",), subjects, key="subject_id")
