"""The right to erasure, as a privacy officer carries it out: keys are destroyed, blobs go, and the other customers are billed as before."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner

from factories.billed_operator import BilledOperator, populate
from fixtures.keeper import RunningKeeper
from hoeksteen.disclosure.queries import reveal
from hoeksteen.host.settings import Settings
from hoeksteen.interfaces.cli.erase import erase
from hoeksteen.kernel.errors import AccessDenied, NotFound
from hoeksteen.kernel.sealed import Category
from hoeksteen.party import queries as party


@pytest.fixture
def data(business_dsn: str, keeper: RunningKeeper) -> Iterator[Path]:
    """An installation's directory that the application's OS user can read."""
    with tempfile.TemporaryDirectory(prefix="hk") as folder:
        path = Path(folder)
        Settings(path, business_dsn, business_dsn, "", keeper.socket_path, 0, 0).write()
        path.chmod(0o755)
        (path / "settings.toml").chmod(0o644)
        yield path


def test_an_erased_person_is_absent_and_the_others_are_billed(operator: BilledOperator, keeper: RunningKeeper, data: Path) -> None:
    populate(operator, customers=3, seed=11)
    with operator.database.transaction() as tx:
        subjects: list[UUID] = [row["party_id"] for row in tx.rows("SELECT party_id FROM party.customer ORDER BY party_id")]

    def identities() -> set[UUID]:
        with operator.database.transaction() as tx:
            return set(reveal(tx=tx, keeper=operator.keeper, purpose="billing", category=Category.IDENTITY, subjects=subjects))

    def call(person: str, named: str = "") -> dict[str, object]:
        words = [named or str(subjects[0]), "--category", "identity", "--reason", "asked", "--as", person, "--key", str(keeper.key(person))]
        done = CliRunner().invoke(erase, [*words, "--data", str(data), "--json"])
        if done.exception:
            raise done.exception
        return dict(json.loads(done.stdout))

    with pytest.raises(AccessDenied, match="no_permission"):
        call("anna.dekker")
    assert identities() == set(subjects)
    keeper.client("dewi.hoekstra").shred(subject=subjects[0], category="identity", reason="asked")  # as if it was cut off here
    with pytest.raises(AccessDenied, match="shredded"):
        identities()
    assert call("dewi.hoekstra") == {"subject": str(subjects[0]), "category": "identity", "removed": 1}
    assert call("dewi.hoekstra")["removed"] == 0
    with operator.database.transaction() as tx:
        [customer] = party.customers_of_parties(tx=tx, party_ids=[subjects[0]])
    assert call("dewi.hoekstra", customer.customer_number) == {"subject": str(subjects[0]), "category": "identity", "removed": 0}
    with pytest.raises(NotFound, match="There is no customer 999"):
        call("dewi.hoekstra", "999")
    assert identities() == set(subjects[1:])
    run = operator.run()
    assert (run.billing_accounts, run.totals.count + run.held) == (3, 3)
