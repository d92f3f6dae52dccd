"""The evidence page: who could see a customer, and who did, at any moment; and the proof to take away."""

import json
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from hoeksteen.disclosure import queries as disclosure
from hoeksteen.interfaces.desk.looking import PRIVACY_OFFICER, SECURITY_OFFICER
from hoeksteen.interfaces.web.looks import looks
from hoeksteen.interfaces.web.site import Form, Visit
from hoeksteen.interfaces.web.words import marked
from hoeksteen.kernel.errors import InvalidInput, Unavailable
from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.party import queries as party

_VERIFIER_SECONDS_MAX = 60


@get("/evidence", sync_to_thread=True)
def evidence_start(visit: NamedDependency[Visit]) -> Response[str]:
    """Ask about whom and about which moment."""
    visit.require(PRIVACY_OFFICER, SECURITY_OFFICER)
    return visit.page("desk/evidence_start.html", problem=None)


@post("/evidence", sync_to_thread=True)
def choose(visit: NamedDependency[Visit], form: NamedDependency[Form]) -> Response[Any]:
    """Find the customer by number."""
    visit.require(PRIVACY_OFFICER, SECURITY_OFFICER)
    with visit.runtime.database.transaction() as tx:
        customer = party.customer_by_number(tx=tx, customer_number=form["customer_number"])
    if customer is None:
        unknown = InvalidInput(marked("No customer has this number."), remedy=marked("Check it: it has nine digits."), field="customer_number")
        return visit.page("desk/evidence_start.html", status=422, problem=unknown)
    at = f"?at={form['at']}" if form["at"] else ""
    return Redirect(f"/evidence/{customer.customer_id}{at}", status_code=303)


@get("/evidence/{customer_id:uuid}", sync_to_thread=True)
def evidence_page(visit: NamedDependency[Visit], customer_id: FromPath[UUID], at: FromQuery[str] = "") -> Response[str]:
    """Show who could see the customer at a moment, and who did see them until then."""
    visit.require(PRIVACY_OFFICER, SECURITY_OFFICER)
    moment = _moment(at) or visit.now
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
    could = disclosure.could_see(keeper=visit.keeper, subject=customer.party_id, at=moment)
    did = disclosure.did_see(keeper=visit.keeper, subject=customer.party_id, until=moment)
    return visit.page("desk/evidence.html", customer=customer, moment=moment, at=at, could=could, did=len(did), looks=looks(did))


@post("/evidence/{customer_id:uuid}/proof", sync_to_thread=True, status_code=200)
def proof(visit: NamedDependency[Visit], customer_id: FromPath[UUID]) -> Response[str]:
    """Have the separate verifier check the proof, as anybody can who has the file and the log's public key."""
    visit.require(PRIVACY_OFFICER, SECURITY_OFFICER)
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
    evidence = disclosure.evidence_bundle(keeper=visit.keeper, subject=customer.party_id)
    return visit.page("desk/proof.html", customer=customer, verdict=verified(evidence, visit.runtime.settings.log_key), bytes=len(evidence))


@get("/evidence/{customer_id:uuid}/bundle", sync_to_thread=True)
def bundle(visit: NamedDependency[Visit], customer_id: FromPath[UUID]) -> Response[bytes]:
    """Give the proof as one file, for `hoeksteen-verify` or any verifier of C2SP logs."""
    visit.require(PRIVACY_OFFICER, SECURITY_OFFICER)
    with visit.runtime.database.transaction() as tx:
        customer = party.customer(tx=tx, customer_id=customer_id)
    proof = disclosure.evidence_bundle(keeper=visit.keeper, subject=customer.party_id)
    name = f"evidence-{customer.customer_number}.bundle"
    return Response(proof, media_type="application/octet-stream", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _moment(text: str) -> datetime | None:
    """Read a local date and time as browsers send it; without one, none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("The field at is not a date and time.", remedy="Write it as 2026-12-31T13:45.", field="at") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=OPERATOR_ZONE)


def verified(evidence: bytes, log_key: Path) -> dict[str, Any]:
    """
    Give the verdict of `hoeksteen-verify`, which shares no code with the keeper and runs as a process of its own.

    :raises Unavailable: when it gives no verdict
    """
    with tempfile.NamedTemporaryFile(suffix=".bundle") as file:
        file.write(evidence)
        file.flush()
        command = [sys.executable, "-m", "hoeksteen_keeper.verify.cli", file.name, "--key", str(log_key), "--json"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_VERIFIER_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise Unavailable(
                f"The verifier needs more than {_VERIFIER_SECONDS_MAX} seconds.", remedy="Download the proof and run `hoeksteen-verify` on it."
            ) from None
    try:
        verdict = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        raise Unavailable("The verifier gives no verdict.", remedy="Download the proof and run `hoeksteen-verify` on it.") from None
    return dict(verdict)


HANDLERS = [evidence_start, choose, evidence_page, proof, bundle]
