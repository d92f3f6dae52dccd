"""The one table that says how an error of ours shows at each border: HTTP status, and exit status of the CLI."""

from dataclasses import dataclass

from hoeksteen.kernel.errors import Code


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
