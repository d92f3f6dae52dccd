"""
Witnessing: C2SP tlog-witness, both sides, without the HTTP around it.

A witness cosigns a checkpoint only when it extends the last one that it cosigned, so a log that shows two views cannot
have both cosigned.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hoeksteen_keeper.evidence.errors import InvalidNote, WitnessRefused
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.merkle import EMPTY_ROOT, consistency_proof, consistent
from hoeksteen_keeper.evidence.notes import Checkpoint, VerifierKey, from_base64, parse_signatures, to_base64

if TYPE_CHECKING:
    from hoeksteen_keeper.evidence.log import Log

AddCheckpoint = Callable[[bytes], bytes]
"""Sends the body of an add-checkpoint request to a witness and gives the body of the response, or raises WitnessRefused."""
REQUEST_BYTES_MAX = 1 << 20
_PROOF_MAX = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class Witness:
    """
    One witness, which may serve many logs.

    :param signer: its cosigning key
    :param home: where it remembers, for each log, the last checkpoint that it cosigned
    :param logs: the keys of the logs that it serves, by origin
    """

    def __init__(self, *, signer: NoteSigner, home: Path, logs: Mapping[str, VerifierKey], now: Callable[[], datetime]) -> None:
        self.signer, self._home, self._logs, self._now = signer, home, logs, now

    def add_checkpoint(self, request: bytes) -> bytes:
        """
        Cosign a checkpoint that extends the last one; the body of the response is one signature line.

        :raises WitnessRefused: with the protocol's status: 400, 403, 404, 409 or 422
        """
        old, proof, checkpoint = _parse(request)
        key = self._logs.get(checkpoint.origin)
        if key is None:
            raise WitnessRefused(404, "This witness does not serve that log.")
        try:
            checkpoint.check(key)
        except InvalidNote as error:
            raise WitnessRefused(403, error.detail) from error
        if old > checkpoint.size:
            raise WitnessRefused(400, "The old size is larger than the checkpoint.")
        with self._locked():
            last = self.latest(checkpoint.origin)
            size, root = (last.size, last.root) if last else (0, EMPTY_ROOT)
            if old != size:
                raise WitnessRefused(409, f"The last checkpoint cosigned has {size} entries.", body=b"%d\n" % size)
            if (checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT) or not consistent(size, root, checkpoint.size, checkpoint.root, proof):
                raise WitnessRefused(422, "The checkpoint does not extend the last one.")
            line = self.signer.sign(checkpoint.text, time=int(self._now().timestamp()))
            by_log = [signature for signature in checkpoint.signatures if signature.is_of(key)]
            self._remember(checkpoint.origin, checkpoint.text + b"\n" + by_log[0].line + line)
        return line

    def latest(self, origin: str) -> Checkpoint | None:
        """Give the last checkpoint of a log that this witness cosigned, with its and the log's signature, or None."""
        path = self._path(origin)
        return Checkpoint.parse(path.read_bytes()) if path.exists() else None

    def _path(self, origin: str) -> Path:
        return self._home / hashlib.sha256(origin.encode()).hexdigest() / "checkpoint"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._home.mkdir(parents=True, exist_ok=True)
        with (self._home / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _remember(self, origin: str, note: bytes) -> None:
        """Durable before the cosignature leaves: a witness that forgets could cosign a second view."""
        path = self._path(origin)
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(".new")
        with temporary.open("wb") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        for folder in (path.parent, self._home):
            handle = os.open(folder, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)


def cosign(log: "Log", note: bytes, *, key: VerifierKey, add_checkpoint: AddCheckpoint) -> bytes:
    """
    Have a witness cosign a checkpoint of the log and give it with the cosignature, which is published too.

    :param key: the witness's key
    :raises WitnessRefused: when the witness does not cosign
    :raises InvalidNote: when what it answers is no cosignature of this checkpoint
    """
    checkpoint = Checkpoint.parse(note)
    old = checkpoint.size
    for _ in range(2):  # the first answer may say which size the witness knows
        proof = consistency_proof(log.tiles.tree(checkpoint.size), old, checkpoint.size)
        try:
            response = add_checkpoint(_request(old, proof, checkpoint))
            break
        except WitnessRefused as refused:
            if (old := _named_size(refused)) > checkpoint.size:
                raise
    else:
        raise WitnessRefused(409, "The witness names another size each time.")
    ours = [signature for signature in parse_signatures(response) if signature.is_of(key)]
    cosigned = checkpoint.with_signatures(ours)
    Checkpoint.parse(cosigned).check(key)
    log.add_signatures(checkpoint.text, ours)
    return cosigned


def known_size(checkpoint: Checkpoint, *, add_checkpoint: AddCheckpoint) -> int:
    """
    Ask a witness how many entries it knows of a log, by showing it a checkpoint that was signed before.

    :raises WitnessRefused: when it does not say
    """
    try:
        add_checkpoint(_request(checkpoint.size, [], checkpoint))
    except WitnessRefused as refused:
        return _named_size(refused)
    return checkpoint.size


def _named_size(refused: WitnessRefused) -> int:
    """Give the size that a refusal names; one that names none is raised again."""
    size = _SIZE.fullmatch(refused.body)
    if refused.status != 409 or size is None:
        raise refused
    return int(size[1])


def _request(old: int, proof: list[bytes], checkpoint: Checkpoint) -> bytes:
    lines = [f"old {old}", *[to_base64(item) for item in proof], ""]
    return "".join([f"{line}\n" for line in lines]).encode() + checkpoint.with_signatures(())


def _parse(request: bytes) -> tuple[int, list[bytes], Checkpoint]:
    head, gap, note = request.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
        old = _OLD.fullmatch(lines[0])
        if not gap or old is None or len(lines) > 1 + _PROOF_MAX or len(request) > REQUEST_BYTES_MAX:
            raise WitnessRefused(400, "The request is not of the protocol's form.")
        proof = [from_base64(line) for line in lines[1:]]
        if any(len(item) != 32 for item in proof):
            raise WitnessRefused(400, "A line of the proof is no hash.")
        return int(old[1]), proof, Checkpoint.parse(note)
    except (InvalidNote, UnicodeDecodeError):
        raise WitnessRefused(400, "The request is not of the protocol's form.") from None
