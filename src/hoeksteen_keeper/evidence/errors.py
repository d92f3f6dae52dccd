"""The errors of the evidence room. None of them carries personal data."""

from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid


class InvalidEvent(KeeperInvalid):
    """An event that cannot become an entry: too large, or its detail is no plain JSON."""


class InvalidNote(KeeperInvalid):
    """A signed note, checkpoint, key or cosignature that does not parse or does not verify."""


class TooMuch(KeeperInvalid):
    """The answer would hold more entries than one answer may; ask for a shorter period."""


class EvidenceCorrupt(KeeperCorrupt):
    """Database, tiles and checkpoint do not agree: the keeper stops and a person must look."""


class BehindTiles(EvidenceCorrupt):
    """The database is older than the checkpoint in tile storage and cannot be caught up from it: nothing is appended or signed."""


class WitnessRefused(KeeperInvalid):
    """
    A witness refuses a request, as C2SP tlog-witness has it.

    :param status: the HTTP status code that the protocol names
    :param body: the body of the response; with 409 the size that the witness knows
    """

    def __init__(self, status: int, detail: str, *, body: bytes = b"") -> None:
        super().__init__("witness_refused", detail)
        self.status = status
        self.body = body
