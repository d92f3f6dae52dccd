"""Turning the keeper's errors into ours, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager

from hoeksteen.kernel.errors import AccessDenied, Corrupt, InvalidInput, Unavailable
from hoeksteen_keeper.client import KeeperCorrupt, KeeperInvalid, KeeperRefused, KeeperUnavailable


@contextmanager
def as_our_errors() -> Iterator[None]:
    """
    Raise the kernel's errors for what the keeper answers.

    :raises AccessDenied: with the keeper's reason
    :raises InvalidInput: when the request itself was wrong
    :raises Unavailable: when the keeper does not answer, or cannot serve now
    :raises Corrupt: when the keeper itself broke
    """
    try:
        yield
    except KeeperRefused as error:
        raise AccessDenied(f"The keeper refuses: {error.reason}.", reason=error.reason, remedy=error.detail) from error
    except KeeperInvalid as error:
        raise InvalidInput(f"The keeper cannot use this request: {error}", remedy="Correct the field that it names.") from error
    except KeeperUnavailable as error:
        raise Unavailable(f"The keeper gives no answer: {error}", remedy="Run `hoeksteen status`, then `hoeksteen up`, and try again.") from error
    except KeeperCorrupt as error:
        raise Corrupt(f"The keeper broke: {error}", remedy="Keep the data directory as it is, and read keeper.log in it.") from error
