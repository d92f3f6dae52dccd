"""
Rotation: the KEK, the epoch keys and the keys of blind indexes are replaced without touching the data, beside a keeper that serves.

Each rotation goes in small transactions and can be cut off anywhere: what is not done yet is still opened by what was not destroyed yet,
and doing it again goes on where it stopped. The deed that ends something is an entry first, and comes after nothing needs it any more.
"""

import os
import pwd
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from hoeksteen_keeper.errors import KeeperInvalid, KeeperUnavailable
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import JSON, Event
from hoeksteen_keeper.store.database import Connection, Store
from hoeksteen_keeper.vault import blind
from hoeksteen_keeper.vault.keys import Keys, epoch_context, named_context, subject_context
from hoeksteen_keeper.vault.providers import read_log_tags, write_log_tags

_EPOCHS_PER_STEP = 100
_KEYS_PER_STEP = 4096
_TOKENS_PER_STEP = 5000
_EPOCHS_PER_ENTRY = 10_000
_PASSES_MAX = 1000  # each finds what others held a lock on in the pass before
Place = tuple[Any, ...]
"""Where a step through a table ended, in the table's order."""


class Rotation:
    """
    Replace keys, as the keeper's own OS user.

    :param folder: the keeper's key files
    """

    def __init__(self, *, store: Store, keys: Keys, log: Log, folder: Path, now: Callable[[], datetime]) -> None:
        self.store, self.keys, self._log, self._folder, self._now = store, keys, log, folder, now
        self._provider = keys.provider

    def rotate_kek(self, *, keep_old: bool = False) -> tuple[str, int]:
        """
        Wrap every epoch key, and the log's tag key, under a new KEK; give its name and how many were rewrapped.

        :param keep_old: do not destroy the KEKs before it: as long as they are kept, older backups of the database can be restored
        """
        with self.store.transaction() as tx:  # while no epoch key is made: those made later, by any process, are under the new one
            self.keys.freeze_epochs(tx)
            old = self._provider.current()
            if not self._under_others(tx, old):
                self._enter("rotate_kek", "kek_rotating", kek=old)
                self._provider.rotate()
        kek, count = self._provider.current(), 0
        while done := self._rewrap_epochs(kek):
            count += done
        tags_kek, tags = read_log_tags(self._folder, self._provider)
        if tags_kek != kek:
            write_log_tags(self._folder, self._provider, tags)
        self._enter("rotate_kek", "kek_rotated", kek=kek, epochs=count)
        if not keep_old:
            self.destroy_old_keks()
        return kek, count

    def destroy_old_keks(self) -> list[str]:
        """
        Destroy every KEK but the one that wraps now: what was wrapped under them, in whatever copy, opens no more.

        :raises KeeperInvalid: when something is wrapped under one of them yet
        """
        current = self._provider.current()
        with self.store.transaction() as tx:
            if self._under_others(tx, current) or self._tags_kek() != current:
                raise KeeperInvalid("kek_in_use", "An epoch key or the log's tag key is under an older KEK: run `hoeksteen-keeper key rotate-kek`.")
        old = [kek for kek in self._provider.keks() if kek != current]
        for kek in old:
            self._enter("destroy_kek", "kek_destroyed", kek=kek)
            self._provider.destroy(kek)
        return old

    def rotate_epochs(self, *, before: datetime) -> tuple[int, int]:
        """
        Rewrap every key that is under an epoch key from before an instant, and destroy those epoch keys; give how many keys and epochs.

        A reader that read a wrapped key just before reads it again (`Keys.ciphers`).
        """
        with self.store.transaction() as tx:
            self.keys.freeze_epochs(tx)
            old = [row[0] for row in tx.execute("SELECT epoch FROM vault.epoch WHERE made_at < %s AND wrapped IS NOT NULL ORDER BY 1", [before])]
            if not old:
                return 0, 0
            self._enter("rotate_epochs", "epochs_rotating", before=before.isoformat(), epochs=len(old))
            for purpose in [row[0] for row in tx.execute(_NEWEST_ARE_OLD, [old])]:
                self.keys.new_epoch(tx, purpose)
        with self.store.transaction() as tx:  # who reserved a place under an old one has written its key when this is ours
            self.keys.wait_for_sealing(tx)
        count = self._rewrap_named(old) + self._rewrap_subjects(old)
        with self.store.transaction() as tx:
            _require_nothing_left(tx, _USES, {"old": old})
        for start in range(0, len(old), _EPOCHS_PER_ENTRY):
            part = old[start : start + _EPOCHS_PER_ENTRY]
            self._enter("rotate_epochs", "epochs_destroyed", epochs=part)
            with self.store.transaction() as tx:
                tx.execute("UPDATE vault.epoch SET wrapped = NULL, destroyed_at = %s WHERE epoch = ANY(%s)", (self._now(), part))
        return count, len(old)

    def rotate_index(self, index: str) -> tuple[int, int]:
        """
        Put a layer under a new key over every token of a blind index; give the generation and how many tokens it went over.

        Nobody reads a value for it: the new token is made of the old one.
        """
        number = blind.index_of(index).number
        with self.store.transaction() as tx:
            generation, oldest = blind.generations(tx, number)
        if oldest == generation:  # otherwise a rotation was cut off, and goes on
            generation += 1
            self._enter("rotate_index", "index_rotating", index=index, generation=generation)
            self.keys.named(blind.key_name(index, 1), make=True)
            self.keys.named(blind.key_name(index, generation), make=True)
            with self.store.transaction() as tx:
                tx.execute(_NEXT_LAYER, {"index": number, "generation": generation})
        with self.store.transaction() as tx:  # afterwards whoever writes tokens has read the new generation
            self.keys.wait_for_sealing(tx)
        layers = [self.keys.named(blind.key_name(index, g), make=False) for g in range(2, generation + 1)]
        count = self._repeated(lambda after: self._layer_tokens(number, layers, after))
        with self.store.transaction() as tx:
            _require_nothing_left(tx, _TOKENS_BEFORE, {"index": number, "generation": generation})
            tx.execute("UPDATE vault.blind_index SET oldest = generation WHERE index_id = %s AND generation = %s", (number, generation))
        self._enter("rotate_index", "index_rotated", index=index, generation=generation, tokens=count)
        return generation, count

    def _under_others(self, tx: Connection, kek: str) -> bool:
        """Say whether anything is known to be wrapped under another KEK: then a rotation was cut off."""
        row = tx.execute("SELECT 1 FROM vault.epoch WHERE kek <> %s AND wrapped IS NOT NULL LIMIT 1", [kek]).fetchone()
        return row is not None or self._tags_kek() not in ("", kek)

    def _tags_kek(self) -> str:
        return read_log_tags(self._folder, self._provider)[0]

    def _rewrap_epochs(self, kek: str) -> int:
        with self.store.transaction() as tx:
            rows = tx.execute(_UNDER_OTHERS, (kek, _EPOCHS_PER_STEP)).fetchall()
            for epoch, old, wrapped in rows:
                context = epoch_context(epoch)
                new = self._provider.wrap(self._provider.unwrap(wrapped, kek=old, context=context), context=context)
                tx.execute("UPDATE vault.epoch SET kek = %s, wrapped = %s WHERE epoch = %s", (*new, epoch))
        return len(rows)

    def _rewrap_named(self, old: Sequence[int]) -> int:
        with self.store.transaction() as tx:
            rows = tx.execute(_NAMED, [list(old)]).fetchall()
            secrets = [(self.keys.unwrapped(epoch, wrapped, named_context(name)), named_context(name)) for name, epoch, wrapped in rows]
            for (name, _, _), new in zip(rows, self.keys.wrap_fresh(secrets, "named"), strict=True):
                tx.execute("UPDATE vault.named_key SET epoch = %s, wrapped = %s WHERE name = %s AND wrapped IS NOT NULL", (*new, name))
        return len(rows)

    def _rewrap_subjects(self, old: Sequence[int]) -> int:
        def step(after: Place) -> tuple[int, Place | None]:
            with self.store.transaction() as tx:
                rows = tx.execute(_SUBJECT_KEYS, (*after, list(old), _KEYS_PER_STEP)).fetchall()
                contexts = [subject_context(subject.bytes, category, generation) for subject, category, generation, _, _ in rows]
                secrets = [(self.keys.unwrapped(row[3], row[4], context), context) for row, context in zip(rows, contexts, strict=True)]
                new = self.keys.wrap_fresh(secrets, "subject")
                columns = [[row[i] for row in rows] for i in range(4)]
                tx.execute(_REWRAP, (*columns, [epoch for epoch, _ in new], [wrapped for _, wrapped in new]))
            return len(rows), tuple(rows[-1][:3]) if len(rows) == _KEYS_PER_STEP else None

        return self._repeated(step, start=(UUID(int=0), 0, 0))

    def _layer_tokens(self, number: int, layers: Sequence[bytes], after: Place) -> tuple[int, Place | None]:
        with self.store.transaction() as tx:
            rows = tx.execute(_TOKENS, {"index": number, "after": after[0], "generation": len(layers) + 1, "limit": _TOKENS_PER_STEP}).fetchall()
            made = [blind.layered(token, layers[generation - 1 :]) for _, token, generation in rows]
            tx.execute(_LAYER, {"rows": [row[0] for row in rows], "tokens": made, "generation": len(layers) + 1})
        return len(rows), (rows[-1][1],) if len(rows) == _TOKENS_PER_STEP else None

    def _repeated(self, step: Callable[[Place], tuple[int, Place | None]], start: Place = (b"",)) -> int:
        """Take steps through a table in its order, again and again, until a pass finds nothing; a row that another call holds waits for the next."""
        count = 0
        for _ in range(_PASSES_MAX):
            found, after = 0, start
            while after:
                done, last = step(after)
                found, after = found + done, last or ()
            count += found
            if not found:
                break
        return count

    def _enter(self, action: str, event: str, **detail: JSON) -> None:
        by = pwd.getpwuid(os.geteuid()).pw_name
        self._log.append([Event(kind="key", action=action, detail={"event": event, "os_user": by, **detail})])


def _require_nothing_left(tx: Connection, sql: str, parameters: Mapping[str, Any]) -> None:
    if tx.execute(sql.encode(), parameters).fetchone():
        raise KeeperUnavailable("rotation_unfinished", "Other calls hold some rows, so nothing old was ended. Run the same command again.")


_UNDER_OTHERS = "SELECT epoch, kek, wrapped FROM vault.epoch WHERE kek <> %s AND wrapped IS NOT NULL ORDER BY epoch LIMIT %s FOR UPDATE"
_NEWEST_ARE_OLD = "SELECT purpose FROM vault.epoch GROUP BY purpose HAVING max(epoch) = ANY(%s)"
_NAMED = "SELECT name, epoch, wrapped FROM vault.named_key WHERE epoch = ANY(%s) AND wrapped IS NOT NULL ORDER BY name FOR UPDATE"
_SUBJECT_KEYS = """
SELECT subject, category, generation, epoch, wrapped FROM vault.subject_key
WHERE (subject, category, generation) > (%s::uuid, %s::smallint, %s::integer) AND epoch = ANY(%s)
ORDER BY subject, category, generation LIMIT %s FOR UPDATE SKIP LOCKED
"""
_REWRAP = """
UPDATE vault.subject_key k SET epoch = n.epoch, wrapped = n.wrapped
FROM unnest(%s::uuid[], %s::smallint[], %s::integer[], %s::bigint[], %s::bigint[], %s::bytea[])
    AS n (subject, category, generation, old, epoch, wrapped)
WHERE k.subject = n.subject AND k.category = n.category AND k.generation = n.generation AND k.epoch = n.old
"""
_USES = """
SELECT 1 FROM vault.subject_key WHERE epoch = ANY(%(old)s)
UNION ALL SELECT 1 FROM vault.named_key WHERE epoch = ANY(%(old)s) AND wrapped IS NOT NULL LIMIT 1
"""
_TOKENS_BEFORE = "SELECT 1 FROM vault.blind_token WHERE index_id = %(index)s AND generation < %(generation)s LIMIT 1"
_NEXT_LAYER = """
INSERT INTO vault.blind_index (index_id, generation, oldest) VALUES (%(index)s, %(generation)s, %(generation)s - 1)
ON CONFLICT (index_id) DO UPDATE SET generation = excluded.generation
"""
_TOKENS = """
SELECT ctid::text, token, generation FROM vault.blind_token
WHERE index_id = %(index)s AND token > %(after)s AND generation < %(generation)s ORDER BY token LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_LAYER = """
UPDATE vault.blind_token t SET token = n.token, generation = %(generation)s
FROM unnest(%(rows)s::text[], %(tokens)s::bytea[]) AS n (place, token) WHERE t.ctid = n.place::tid
"""
