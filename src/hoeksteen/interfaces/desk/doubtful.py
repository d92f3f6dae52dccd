"""Doubtful pairs of legacy records, for the migration engineer: the queue, two records side by side, and the decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from hoeksteen.consolidation import reviewing
from hoeksteen.consolidation.alike import Compared, compare
from hoeksteen.consolidation.reviewing import MIGRATION_ENGINEER, NOTHING, WHY, Review, Seen
from hoeksteen.interfaces.problems import PROBLEMS
from hoeksteen.interfaces.web.login import SESSION_ENDED
from hoeksteen.interfaces.web.site import Form, Visit
from hoeksteen.kernel.errors import AccessDenied, InvalidInput, Refused
from hoeksteen.product import queries as product
from hoeksteen.product.model import ProductHeld

SHOWN_MAX = 100
_STATES = ("open", "unsure", "same", "different")


@dataclass(frozen=True, slots=True)
class Side:
    """One record of the pair, with what its customer holds."""

    seen: Seen
    products: Sequence[ProductHeld]


@get("/doubtful", sync_to_thread=True)
def queue(visit: NamedDependency[Visit], show: FromQuery[str] = "open") -> Response[str]:
    """Show the pairs that wait, the most telling first; nobody is named on this page."""
    visit.require(MIGRATION_ENGINEER)
    chosen = show if show in _STATES else "open"
    with visit.runtime.database.transaction() as tx:
        progress = reviewing.progress(tx=tx)
        found = reviewing.queue(tx=tx, limit=SHOWN_MAX, states=(chosen,))
        stakes = reviewing.stakes(tx=tx, reviews=found, now=visit.now)
    hanging = [sum((stakes[one] for one in set(review.customers) if one in stakes), NOTHING) for review in found]
    return visit.page("desk/doubtful.html", progress=progress, found=list(zip(found, hanging, strict=True)), state=chosen)


@get("/doubtful/{left:uuid}/{right:uuid}", sync_to_thread=True)
def one_pair(visit: NamedDependency[Visit], left: FromPath[UUID], right: FromPath[UUID], done: FromQuery[str] = "") -> Response[str]:
    """Show two records side by side: a look at both that stands in the keeper's log."""
    visit.require(MIGRATION_ENGINEER)
    return _pair(visit, left, right, done=done if done in WHY else "")


@post("/doubtful/{left:uuid}/{right:uuid}", sync_to_thread=True)
def decide(visit: NamedDependency[Visit], form: NamedDependency[Form], left: FromPath[UUID], right: FromPath[UUID]) -> Response[Any]:
    """Decide the pair, and go to the next one."""
    visit.require(MIGRATION_ENGINEER)
    decision = form["decision"]
    try:
        with visit.runtime.database.transaction() as tx:
            before = reviewing.pair(tx=tx, left=left, right=right)
            _, behind = reviewing.neighbours(tx=tx, review=before)
            reviewing.see(tx=tx, keeper=visit.keeper, review=before)  # who may not look, as when a grant has ended meanwhile, decides nothing
            reviewing.decide(
                tx=tx, left=left, right=right, decision=decision, why=form[f"why_{decision}"], by=visit.person.actor, now=visit.now  # type: ignore[arg-type]  # checked there
            )  # fmt: skip
    except Refused as error:
        if isinstance(error, AccessDenied):
            raise
        status = 422 if isinstance(error, InvalidInput) else PROBLEMS[error.code].http_status
        return _pair(visit, left, right, status=status, problem=error)
    where = "/doubtful" if behind is None else f"/doubtful/{behind.left}/{behind.right}"
    return Redirect(f"{where}?done={decision}" if behind else where, status_code=303)


def _pair(visit: Visit, left: UUID, right: UUID, *, status: int = 200, problem: Exception | None = None, done: str = "") -> Response[str]:
    with visit.runtime.database.transaction() as tx:
        review = reviewing.pair(tx=tx, left=left, right=right)
        refused, seen = "", tuple[Seen, ...]()
        try:
            seen = reviewing.see(tx=tx, keeper=visit.keeper, review=review)
        except AccessDenied as error:
            if error.reason in SESSION_ENDED:
                raise
            refused = error.reason
        before, behind = reviewing.neighbours(tx=tx, review=review)
        sides = [Side(one, product.products_held(tx=tx, customer_id=one.customer_id, at=visit.now)) for one in seen]
        held = sorted({one.product_offering_id for side in sides for one in side.products})
        return visit.page(
            "desk/doubtful_pair.html",
            status=status,
            review=review,
            sides=sides,
            fields=_fields(seen),
            refused=refused,
            offerings={one.product_offering_id: one for one in product.offerings(tx=tx, offering_ids=held)} if held else {},
            steps=_bars(review),
            stakes=reviewing.stakes(tx=tx, reviews=[review], now=visit.now),
            rivals=reviewing.rivals(tx=tx, review=review),
            decisions=reviewing.decisions(tx=tx, review=review),
            before=before,
            behind=behind,
            progress=reviewing.progress(tx=tx),
            why=WHY,
            problem=problem,
            done=done,
        )


def _fields(seen: Sequence[Seen]) -> list[Compared]:
    if len(seen) != 2 or seen[0].record is None or seen[1].record is None:
        return []
    return compare(seen[0].record, seen[1].record)


def _bars(review: Review) -> list[dict[str, Any]]:
    """Give each step of the weight with the bar that shows it: in hundredths of the widest, from the middle."""
    widest = max((abs(step.bits) for step in review.steps), default=1.0) or 1.0
    bars = []
    for step in review.steps:
        width = round(abs(step.bits) / widest * 100, 1)
        bars.append({"step": step, "x": 100 if step.bits >= 0 else round(100 - width, 1), "width": width, "against": step.bits < 0})
    return bars


HANDLERS = [queue, one_pair, decide]
