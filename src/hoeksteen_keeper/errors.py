"""The errors of the keeper, the same on both sides of its socket. None ever carries personal data."""

import logging

_report = logging.getLogger(__name__)


class KeeperError(Exception):
    """Carry the keeper's machine-readable reason and one sentence for people."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class KeeperRefused(KeeperError):
    """A denial, such as `no_permission`, `no_grant`, `grant_expired`, `limit_reached`, `actor_blocked`, `token_expired`, `shredded`."""


class KeeperInvalid(KeeperError):
    """A request that the keeper cannot read, or a blob that does not belong where it was found."""


class KeeperUnavailable(KeeperError):
    """The keeper does not answer, or cannot make an entry durable; nothing was disclosed."""


class KeeperCorrupt(KeeperError):
    """An invariant of the keeper broke; it stops serving rather than guess."""


def answer_to(error: Exception) -> tuple[int, str, str]:
    """Give HTTP status, reason and detail of an error; of an unforeseen one only its kind, for its text may hold what was sent."""
    if isinstance(error, KeeperError):
        status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
        if status >= 500:
            _report.error("%s: %s", error.reason, error.detail)
        return status, error.reason, error.detail
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    where = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "?"
    _report.error("a call failed: %s at %s", type(error).__name__, where)
    return 500, "fault", "The keeper failed, and disclosed nothing. Its own log says where."


_STATUS: dict[type[KeeperError], int] = {KeeperRefused: 403, KeeperInvalid: 400, KeeperUnavailable: 503, KeeperCorrupt: 500}
