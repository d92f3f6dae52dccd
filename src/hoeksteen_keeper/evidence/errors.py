"""The errors of the evidence room. None of them carries personal data."""


class EvidenceError(Exception):
    """Something about the log that the caller must hear of."""


class InvalidEvent(EvidenceError):
    """An event that cannot become an entry: too large, or its detail is no plain JSON."""


class TooMuch(EvidenceError):
    """The question would need more entries than one answer may hold; ask for a shorter period."""


class EvidenceCorrupt(EvidenceError):
    """Database, tiles and checkpoint do not agree: the keeper must stop and a person must look."""


class BehindTiles(EvidenceError):
    """The database is older than the checkpoint in tile storage and cannot be caught up from it: nothing is appended or signed."""


class InvalidNote(EvidenceError):
    """A signed note, checkpoint, key or cosignature that does not parse or does not verify."""


class WitnessRefused(EvidenceError):
    """
    A witness refuses a request, as C2SP tlog-witness has it.

    :param status: the HTTP status code that the protocol names
    :param body: the body of the response (409: the size that the witness knows)
    """

    def __init__(self, status: int, message: str, *, body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.body = body
