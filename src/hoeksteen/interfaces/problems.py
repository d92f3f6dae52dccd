"""How errors show at the borders: the one table of HTTP status and exit status, and what may be said of an unforeseen one."""

import traceback
from dataclasses import dataclass
from pathlib import Path

from hoeksteen.kernel.errors import Code

_OURS = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Problem:
    """
    How a code is shown.

    :param http_status: RFC 9110
    :param exit_status: of the command line, after sysexits.h where it has one
    """

    http_status: int
    exit_status: int


PROBLEMS: dict[Code, Problem] = {
    Code.NOT_FOUND: Problem(404, 66),
    Code.INVALID_INPUT: Problem(400, 65),
    Code.CONFLICT: Problem(409, 73),
    Code.ACCESS_DENIED: Problem(403, 77),
    Code.WRONG_STATE: Problem(409, 78),
    Code.UNAVAILABLE: Problem(503, 75),
    Code.CORRUPT: Problem(500, 70),
}


def place_of(error: BaseException) -> str:
    """Say what broke and where in our own code. An error's own words may hold somebody's data, so they are never shown or logged."""
    frames = traceback.extract_tb(error.__traceback__)
    where = next((frame for frame in reversed(frames) if Path(frame.filename).is_relative_to(_OURS)), frames[-1])
    return f"{type(error).__name__} in {Path(where.filename).name}, line {where.lineno}"
