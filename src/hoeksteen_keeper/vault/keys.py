"""
The key hierarchy: the KEK wraps epoch keys, an epoch key wraps up to 4,096 keys, and each of those seals one category of one subject.

Every wrapping is AES-256-GCM under a random nonce, with associated data that says what the key is for: a wrapped key that was
moved to another row does not unwrap. Unwrapped epoch keys stay in memory, so that the provider is called rarely; others are
unwrapped for one batch and forgotten.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import starmap
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.errors import UniqueViolation

from hoeksteen_keeper.errors import KeeperCorrupt, KeeperError, KeeperInvalid, KeeperRefused
from hoeksteen_keeper.store.database import Connection, Store
from hoeksteen_keeper.vault.categories import ALL_CATEGORIES
from hoeksteen_keeper.vault.providers import KeyProvider

EPOCH_KEYS_MAX = 4096
_DESTROYED_ON_SCHEDULE = ("traffic:", "deduplication:")
_SHRED_LOCK = 0x5348524544  # any constant: the bytes of "SHRED"


class WrappedKey(NamedTuple):
    """The key of one subject's category, still wrapped."""

    subject: bytes
    generation: int
    epoch: int
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """The keys that one caller needs: those of a category's subjects, each of the generation that its blob names."""

    subjects: Sequence[UUID]
    category: int
    generations: Sequence[int]


class EpochGone(KeeperCorrupt):
    """The epoch key is not there: a rotation destroyed it, or the database lost it."""


class Keys:
    """
    Make, find and destroy keys.

    :param now: the clock, for the time that an epoch was made
    """

    def __init__(self, *, store: Store, provider: KeyProvider, now: Callable[[], datetime], random_bytes: Callable[[int], bytes]) -> None:
        self._store, self.provider, self._now, self._random_bytes = store, provider, now, random_bytes
        self._epochs: dict[int, tuple[AESGCM, bytearray]] = {}
        self._kept: dict[str, bytes] = {}

    # --- keys of subjects

    def wanted(self, wanted: Sequence[Wanted]) -> list[list[WrappedKey] | KeeperError]:
        """
        Find the keys that open what several callers hold, with one question to the database per category; or why one of them gets none.

        The refusals are `shredded`, when a key was destroyed, and `unknown_key`, when there never was such a key.
        """
        found: dict[int, dict[tuple[bytes, int], WrappedKey]] = {}
        for category in {one.category for one in wanted}:
            subjects = [subject for one in wanted if one.category == category for subject in one.subjects]
            keys = starmap(WrappedKey, self._store.rows(_FIND, (subjects, category)))
            found[category] = {key[:2]: key for key in keys}
        return [self._held(one, found[one.category]) for one in wanted]

    def _held(self, one: Wanted, found: Mapping[tuple[bytes, int], WrappedKey]) -> list[WrappedKey] | KeeperError:
        try:
            return [found[subject.bytes, generation] for subject, generation in zip(one.subjects, one.generations, strict=True)]
        except KeyError:
            return self._why_none(one)

    def _why_none(self, one: Wanted) -> KeeperError:
        try:
            with self._store.transaction() as tx:
                self._refuse_shredded(tx, one.subjects, one.category)
        except KeeperRefused as refused:
            return refused
        return KeeperInvalid("unknown_key", "A blob was not sealed by this keeper: it has no key of that subject, category and generation.")

    def for_sealing(self, tx: Connection, *, subjects: Sequence[UUID], category: int) -> list[tuple[int, AESGCM]]:
        """
        Give generation and cipher of the latest key of each subject's category, in their order; those that are missing are made.

        Until the transaction ends, no shred can come between: what was shredded stays so.

        :raises KeeperRefused: `shredded`, when one of them was
        """
        self.hold_off_rotation(tx)
        self._refuse_shredded(tx, subjects, category)
        found = self._latest(tx, subjects, category)
        if missing := [subject for subject in dict.fromkeys(subjects) if subject not in found]:
            found |= self._make(tx, missing, category)
        return [found[subject] for subject in subjects]

    def ciphers(self, keys: Sequence[WrappedKey], *, category: int) -> list[AESGCM]:
        """Give the ciphers of subjects' keys, in their order."""
        try:
            return [AESGCM(self.unwrapped(key.epoch, key.wrapped, subject_context(key.subject, category, key.generation))) for key in keys]
        except EpochGone:  # a rotation rewrapped them after they were read, and destroyed what they were wrapped under
            (again,) = self.wanted([Wanted([UUID(bytes=key.subject) for key in keys], category, [key.generation for key in keys])])
            if isinstance(again, KeeperError):
                raise again from None
            if [key.epoch for key in again] == [key.epoch for key in keys]:
                raise
            return self.ciphers(again, category=category)

    def shred(self, tx: Connection, *, subject: UUID, category: int, entry: int | None) -> None:
        """
        Destroy the keys of a subject's category, and remember that they are gone.

        :param category: a category's number, or `ALL_CATEGORIES`
        :param entry: the index of the log entry that says so; None when it is applied again
        """
        self.wait_for_sealing(tx)
        if entry is not None or not tx.execute("SELECT 1 FROM vault.shredded WHERE subject = %s AND category = %s", (subject, category)).fetchone():
            tx.execute("INSERT INTO vault.shredded (entry, subject, category) VALUES (%s, %s, %s)", (entry, subject, category))
        tx.execute("DELETE FROM vault.subject_key WHERE subject = %s AND (category = %s OR %s)", (subject, category, category == ALL_CATEGORIES))

    def refuse_shredded(self, *, subject: UUID, category: int) -> None:
        """:raises KeeperRefused: `shredded`, when this category of the subject was"""
        with self._store.transaction() as tx:
            self._refuse_shredded(tx, [subject], category)

    def knows(self, subject: UUID) -> bool:
        """Say whether this subject has a key, or had one that was destroyed."""
        return bool(self._store.rows(_KNOWN, (subject, subject)))

    # --- keys with a name

    def named(self, name: str, *, make: bool) -> bytes:
        """
        Give a 32-byte key by its name, such as `traffic:2026-10`.

        :param make: whether to make it where it never was
        :raises KeeperRefused: `key_destroyed`, when it was destroyed on schedule
        :raises KeeperInvalid: when it never was, and is not to be made
        """
        if kept := self._kept.get(name):
            return kept
        row = self._store.row("SELECT epoch, wrapped FROM vault.named_key WHERE name = %s", [name])
        if row is None and make:
            with self._store.transaction() as tx:
                self.hold_off_rotation(tx)
                [(epoch, wrapped)] = self.wrap_fresh([(self._random_bytes(32), named_context(name))], "named")
                tx.execute("INSERT INTO vault.named_key (name, epoch, wrapped) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", (name, epoch, wrapped))
            return self.named(name, make=False)
        if row is None:
            raise KeeperInvalid("unknown_key", "There is no key of that name.")
        if row[1] is None:
            raise KeeperRefused("key_destroyed", "The key was destroyed; nothing sealed under it can be opened.")
        try:
            key = self.unwrapped(row[0], row[1], named_context(name))
        except EpochGone:  # as in `ciphers`
            if self._store.row("SELECT epoch FROM vault.named_key WHERE name = %s", [name]) == (row[0],):
                raise
            return self.named(name, make=False)
        if not name.startswith(_DESTROYED_ON_SCHEDULE):
            self._kept[name] = key
        return key

    def destroy_named(self, tx: Connection, names: Sequence[str]) -> int:
        """Destroy keys by name and give how many there were; a name that never had a key is closed as well."""
        ((epoch, _),) = self._reserve(1, "named")
        tx.execute(
            "INSERT INTO vault.named_key (name, epoch, destroyed_at) SELECT name, %s, %s FROM unnest(%s::text[]) name ON CONFLICT DO NOTHING",
            (epoch, self._now(), list(names)),
        )
        done = tx.execute(
            "UPDATE vault.named_key SET wrapped = NULL, destroyed_at = %s WHERE name = ANY(%s) AND wrapped IS NOT NULL", (self._now(), list(names))
        )
        return done.rowcount

    # --- for rotation, and whoever must keep clear of it

    def hold_off_rotation(self, tx: Connection) -> None:
        """Until this transaction ends, let no shred come between, and no rotation think that everything is rewrapped."""
        tx.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_SHRED_LOCK])

    def wait_for_sealing(self, tx: Connection) -> None:
        """Wait until every transaction that makes keys or tokens has ended, and let none begin before this one ends."""
        tx.execute("SELECT pg_advisory_xact_lock(%s)", [_SHRED_LOCK])

    def freeze_epochs(self, tx: Connection) -> None:
        """Until this transaction ends, let no epoch key be made."""
        tx.execute("SELECT pg_advisory_xact_lock(hashtext('vault.epoch'))")

    def wrap_fresh(self, secrets: Sequence[tuple[bytes, bytes]], purpose: str) -> list[tuple[int, bytes]]:
        """
        Wrap keys under the newest epoch keys, and give the epoch of each.

        :param secrets: each with the context that it is bound to
        """
        wrapped: list[tuple[int, bytes]] = []
        for epoch, count in self._reserve(len(secrets), purpose):
            aead = self._epoch(epoch)
            wrapped += [(epoch, self._wrap(aead, key, context)) for key, context in secrets[len(wrapped) : len(wrapped) + count]]
        return wrapped

    def unwrapped(self, epoch: int, wrapped: bytes, context: bytes) -> bytes:
        """
        Give a key that an epoch key wraps.

        :raises EpochGone: when the epoch key was destroyed
        :raises KeeperCorrupt: when it does not unwrap
        """
        return _unwrap(self._epoch(epoch), wrapped, context)

    def new_epoch(self, tx: Connection, purpose: str) -> None:
        """Make an epoch key; afterwards no key is wrapped under an older one, but by who has reserved a place already."""
        self.freeze_epochs(tx)
        self._new_epoch(tx, purpose)

    # --- epochs

    def dead_epochs(self) -> int:
        """Count the epoch keys that do not unwrap any more: what they wrap is gone, as in a backup from before their KEK was destroyed."""
        dead = 0
        for (epoch,) in self._store.rows("SELECT epoch FROM vault.epoch WHERE wrapped IS NOT NULL"):
            try:
                self._epoch(epoch)
            except (KeeperCorrupt, KeeperInvalid):
                dead += 1
        return dead

    def forget_destroyed(self) -> int:
        """
        Drop the epoch keys that were destroyed since this process unwrapped them, and give how many; whoever keeps keys calls it every second.

        Nothing hangs on them any more, but an old copy of the database would open with what lay in memory.
        """
        held = list(self._epochs)
        alive = {row[0] for row in self._store.rows(_ALIVE, [held])} if held else set()
        gone = [epoch for epoch in held if epoch not in alive]
        for epoch in gone:
            _, key = self._epochs.pop(epoch)
            key[:] = bytes(len(key))  # the cipher's own copy is wiped when it is dropped; this one would lie about until something else is put there
        return len(gone)

    def _latest(self, tx: Connection, subjects: Sequence[UUID], category: int) -> dict[UUID, tuple[int, AESGCM]]:
        rows = tx.execute(_LATEST, (category, list(subjects)), binary=True).fetchall()
        keys = [WrappedKey(subject.bytes, generation, epoch, wrapped) for subject, generation, epoch, wrapped in rows]
        return {row[0]: (key.generation, cipher) for row, key, cipher in zip(rows, keys, self.ciphers(keys, category=category), strict=True)}

    def _make(self, tx: Connection, subjects: Sequence[UUID], category: int) -> dict[UUID, tuple[int, AESGCM]]:
        made: dict[UUID, tuple[int, AESGCM]] = {}
        rows: list[tuple[UUID, int, int, int, bytes]] = []
        for epoch, count in self._reserve(len(subjects), "subject"):
            aead, random = self._epoch(epoch), self._random_bytes(44 * count)
            for at, subject in enumerate(subjects[len(made) : len(made) + count]):
                key, nonce = random[44 * at : 44 * at + 32], random[44 * at + 32 : 44 * at + 44]
                rows.append((subject, category, 1, epoch, nonce + aead.encrypt(nonce, key, subject_context(subject.bytes, category, 1))))
                made[subject] = (1, AESGCM(key))
        try:
            with tx.transaction(), tx.cursor() as cursor, cursor.copy(_COPY) as copy:
                copy.set_types(("uuid", "int2", "int4", "int8", "bytea"))
                for row in rows:
                    copy.write_row(row)
        except UniqueViolation:  # another call was first with some of them
            tx.cursor().executemany(_INSERT, rows)
            return self._latest(tx, subjects, category)
        return made

    def _reserve(self, count: int, purpose: str) -> list[tuple[int, int]]:
        """Reserve places under epoch keys, in a short transaction of its own so that sealing calls do not wait for each other."""
        reserved: list[tuple[int, int]] = []
        with self._store.transaction() as tx:
            self.freeze_epochs(tx)
            row = tx.execute("SELECT epoch, keys FROM vault.epoch WHERE purpose = %s ORDER BY epoch DESC LIMIT 1", [purpose]).fetchone()
            while count:
                epoch, used = row or (0, EPOCH_KEYS_MAX)
                if used == EPOCH_KEYS_MAX:
                    row = (self._new_epoch(tx, purpose), 0)
                    continue
                taken = min(count, EPOCH_KEYS_MAX - used)
                tx.execute("UPDATE vault.epoch SET keys = keys + %s WHERE epoch = %s", (taken, epoch))
                reserved.append((epoch, taken))
                count, row = count - taken, (epoch, used + taken)
        return reserved

    def _new_epoch(self, tx: Connection, purpose: str) -> int:
        row = tx.execute("SELECT nextval(pg_get_serial_sequence('vault.epoch', 'epoch'))").fetchone()
        epoch = int(row[0]) if row else 0
        kek, wrapped = self.provider.wrap(self._random_bytes(32), context=epoch_context(epoch))
        tx.execute(
            "INSERT INTO vault.epoch (epoch, purpose, kek, wrapped, made_at) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s)",
            (epoch, purpose, kek, wrapped, self._now()),
        )
        return epoch

    def _epoch(self, epoch: int) -> AESGCM:
        seen: tuple[str, bytes] | None = None
        while (held := self._epochs.get(epoch)) is None:
            row = self._store.row("SELECT kek, wrapped FROM vault.epoch WHERE epoch = %s", [epoch])
            if row is None or row[1] is None:
                raise EpochGone("epoch_missing", f"Epoch key {epoch} is missing, or was destroyed.")
            try:
                key = bytearray(self.provider.unwrap(row[1], kek=row[0], context=epoch_context(epoch)))
            except KeeperCorrupt:  # unless a rotation of the KEK came between
                if seen == row:
                    raise
                seen = row
            else:
                self._epochs[epoch] = AESGCM(key), key
        return held[0]

    def _wrap(self, epoch: AESGCM, key: bytes, context: bytes) -> bytes:
        nonce = self._random_bytes(12)
        return nonce + epoch.encrypt(nonce, key, context)

    def _refuse_shredded(self, tx: Connection, subjects: Sequence[UUID], category: int) -> None:
        if tx.execute(_SHREDDED, (list(subjects), [category, ALL_CATEGORIES])).fetchone():
            raise KeeperRefused("shredded", "The data were erased: their key was destroyed.")


def _unwrap(epoch: AESGCM, wrapped: bytes, context: bytes) -> bytes:
    try:
        return epoch.decrypt(wrapped[:12], wrapped[12:], context)
    except (InvalidTag, ValueError) as error:  # the second where it is cut off
        raise KeeperCorrupt("key_unwrap_failed", "A wrapped key was moved or changed in the keeper's database.") from error


def epoch_context(epoch: int) -> bytes:
    """Give what a wrapped epoch key is bound to."""
    return b"hoeksteen epoch" + epoch.to_bytes(8, "big")


def subject_context(subject: bytes, category: int, generation: int) -> bytes:
    """Give what a wrapped subject key is bound to."""
    return b"hoeksteen key" + bytes([category]) + generation.to_bytes(4, "big") + subject


def named_context(name: str) -> bytes:
    """Give what a wrapped key with a name is bound to."""
    return b"hoeksteen named key" + name.encode()


_FIND = "SELECT uuid_send(subject), generation, epoch, wrapped FROM vault.subject_key WHERE subject = ANY(%b::uuid[]) AND category = %s"
_KNOWN = "SELECT 1 FROM vault.subject_key WHERE subject = %s UNION ALL SELECT 1 FROM vault.shredded WHERE subject = %s LIMIT 1"
_LATEST = """
SELECT DISTINCT ON (subject) subject, generation, epoch, wrapped FROM vault.subject_key
WHERE category = %s AND subject = ANY(%b::uuid[]) ORDER BY subject, generation DESC
"""
_COPY = "COPY vault.subject_key (subject, category, generation, epoch, wrapped) FROM STDIN (FORMAT BINARY)"
_INSERT = "INSERT INTO vault.subject_key (subject, category, generation, epoch, wrapped) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
_ALIVE = "SELECT epoch FROM vault.epoch WHERE epoch = ANY(%b::bigint[]) AND wrapped IS NOT NULL"
_SHREDDED = "SELECT 1 FROM vault.shredded WHERE subject = ANY(%b::uuid[]) AND category = ANY(%s) LIMIT 1"
