"""The errors of the keeper, the same on both sides of its socket. None ever carries personal data."""


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
