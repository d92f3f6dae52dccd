"""Legacy databases are read where they stand: exactly, from one snapshot, without writing, and without a password in any message."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import BusinessCluster
from factories.legacy import extracted
from fixtures.mariadb import PASSWORD, MariaDb
from hoeksteen.consolidation.mapping import Mapping, read_mapping
from hoeksteen.consolidation.readers import RawRecord, Tally, columns_of_source, read
from hoeksteen.kernel.errors import InvalidInput, Unavailable
from hoeksteen.storage.foreign import Foreign, Rows

TABLES = """
CREATE TABLE klant (nr varchar(10) PRIMARY KEY, naam varchar(100), geboren date, gewijzigd {instant}, saldo decimal(30,9), actief boolean, uur time);
CREATE TABLE lijn (id int PRIMARY KEY, klant varchar(10), code char(1), sinds {instant}, bedrag decimal(9,2));
INSERT INTO klant VALUES ('K1', 'BERG VAN DEN J.M. DHR', '1960-07-04', {at}, 123456789012345678901.123456789, true, '22:30:00');
INSERT INTO klant VALUES ('K2', 'ÖZTÜRK F. MEVR', NULL, NULL, -0.5, NULL, NULL);
INSERT INTO lijn VALUES (1, 'K1', 'A', '2019-03-01 00:00:00', 12.50), (2, 'K2', 'A', '2020-01-01 00:00:00', 7);
"""
MAPPING = """
source: crm
title: CRM
trust: 1
key: nr
reader: {{kind: database, query: "{query}"{password}}}
columns:
  nr: {{}}
  naam: {{to: name}}
  geboren: {{to: birth_date, format: iso}}
  gewijzigd: {{ignore: no use here, type: instant}}
  saldo: {{ignore: no use here}}
  actief: {{ignore: no use here}}
  uur: {{ignore: no use here}}
children:
  lijnen:
    of: product
    query: SELECT klant, code, id, sinds, bedrag FROM {schema}lijn
    columns:
      code: {{to: offering, codes: {{A: fixed-basic}}}}
      id: {{to: key}}
      sinds: {{to: start, format: iso_midnight}}
      bedrag: {{to: monthly}}
"""


@dataclass(frozen=True)
class Legacy:
    """A legacy database, and how it is changed behind the reader's back."""

    address: Path
    folder: Path
    schema: str
    change: Callable[[str], object]
    password_from: str = ""
    truth: str = "true"

    def mapping(self, query: str = "") -> Mapping:
        file = self.folder / "crm.yaml"
        password = f", password_from: {self.password_from}" if self.password_from else ""
        query = query or f"SELECT * FROM {self.schema}klant ORDER BY nr"
        file.write_text(MAPPING.format(query=query, password=password, schema=self.schema), "utf-8")
        return read_mapping(file)


@pytest.fixture(params=["postgresql", pytest.param("mariadb", marks=pytest.mark.slow)])
def legacy(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Legacy:
    """The same legacy system in two databases."""
    if request.param == "mariadb":
        server: MariaDb = request.getfixturevalue("mariadb")
        server.run("DROP TABLE IF EXISTS klant; DROP TABLE IF EXISTS lijn;")
        server.run(TABLES.format(instant="datetime(3)", at="'2026-03-29 01:30:00.250'"))
        monkeypatch.setenv("CRM_PASSWORD", PASSWORD)
        return Legacy(Path(server.address), tmp_path, "", server.run, "CRM_PASSWORD", "1")
    cluster: BusinessCluster = request.getfixturevalue("business_cluster")
    dsn = dict(part.split("=", 1) for part in request.getfixturevalue("business_dsn").split())

    def change(sql: str) -> str:
        return cluster.cluster.as_superuser(f"SET search_path TO legacy;\n{sql}", database=dsn["dbname"])

    change("CREATE SCHEMA legacy;\n" + TABLES.format(instant="timestamp(3)", at="'2026-03-29 01:30:00.250'"))
    change("GRANT USAGE ON SCHEMA legacy TO hoeksteen_app; GRANT ALL ON ALL TABLES IN SCHEMA legacy TO hoeksteen_app;")
    return Legacy(Path(f"postgresql://{dsn['user']}@/{dsn['dbname']}?host={dsn['host']}"), tmp_path, "legacy.", change)


def test_rows_of_a_database_are_records_to_the_digit(legacy: Legacy) -> None:
    tally = Tally()
    first, second = read(mapping=legacy.mapping(), file=legacy.address, tally=tally)
    assert first.values == {
        "nr": "K1", "naam": "BERG VAN DEN J.M. DHR", "geboren": "1960-07-04", "gewijzigd": "2026-03-29T01:30:00.250000",
        "saldo": "123456789012345678901.123456789", "actief": legacy.truth, "uur": "22:30:00",
    }  # fmt: skip
    assert (second.values["saldo"], second.values["geboren"], first.notes) == ("-0.500000000", None, [])
    assert first.children["lijnen"] == [(1, {"code": "A", "id": "1", "sinds": "2019-03-01T00:00:00", "bedrag": "12.50"})]
    found = extracted(legacy.address, legacy.mapping())
    assert [(record.source_key, str(record.products[0].start)) for record in found.records] == [("K1", "2019-03-01"), ("K2", "2020-01-01")]
    assert (found.digest, tally.records) == (tally.digest, 2)
    assert columns_of_source(mapping=legacy.mapping(), file=legacy.address)["lijnen"] == ["code", "id", "sinds", "bedrag"]


def test_the_digest_is_of_the_rows_whatever_their_order(legacy: Legacy) -> None:
    def digest(order: str) -> str:
        tally = Tally()
        list(read(mapping=legacy.mapping(f"SELECT * FROM {legacy.schema}klant ORDER BY nr {order}"), file=legacy.address, tally=tally))
        return tally.digest

    before = digest("ASC")
    assert digest("DESC") == before
    legacy.change("UPDATE klant SET naam = 'BERG VAN DEN J.M.' WHERE nr = 'K1';")
    assert digest("ASC") != before


def test_nothing_moves_while_it_is_read(legacy: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    query = Foreign.query

    def meanwhile(self: Foreign, sql: str, where: str) -> Rows:
        if where == "reader.query":  # the lists were read, the records come now
            legacy.change("INSERT INTO klant VALUES ('K3', 'JANSEN A.', NULL, NULL, 1, NULL, NULL); DELETE FROM lijn WHERE id = 2;")
        return query(self, sql, where)

    monkeypatch.setattr(Foreign, "query", meanwhile)
    found: list[RawRecord] = list(read(mapping=legacy.mapping(), file=legacy.address))
    monkeypatch.undo()
    if legacy.password_from:
        monkeypatch.setenv(legacy.password_from, PASSWORD)
    assert [(record.key, len(record.children["lijnen"])) for record in found] == [("K1", 1), ("K2", 1)]
    with pytest.raises(InvalidInput, match="entries belong to no record"):
        legacy.change("INSERT INTO lijn VALUES (9, 'K9', 'A', NULL, 1);")
        list(read(mapping=legacy.mapping(), file=legacy.address))


@pytest.mark.parametrize(
    "query", ["DELETE FROM {}klant RETURNING *", "SELECT nothing FROM {}klant", "UPDATE {}klant SET naam = ''", "nonsense", "SELECT 1; SELECT 2"]
)
def test_a_query_that_is_none_is_refused_and_nothing_is_written(legacy: Legacy, query: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        list(read(mapping=legacy.mapping(query.format(legacy.schema)), file=legacy.address))
    assert "reader.query" in caught.value.message
    assert caught.value.remedy
    assert len(list(read(mapping=legacy.mapping(), file=legacy.address))) == 2


def test_a_database_that_lets_nobody_in_is_named_without_user_or_password(legacy: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Path(str(legacy.address).replace("hoeksteen_app", "nobody").replace("reader@", "nobody@"))
    monkeypatch.setenv("CRM_PASSWORD", "geheim-123")
    with pytest.raises(Unavailable, match="does not let this program in") as caught:
        list(read(mapping=legacy.mapping(), file=wrong))
    for secret in ("nobody", PASSWORD, "geheim-123"):
        assert secret not in str(caught.value)
        assert secret not in str(caught.value.__cause__)
    if legacy.password_from:
        monkeypatch.delenv("CRM_PASSWORD")
        with pytest.raises(InvalidInput, match="the environment has no variable CRM_PASSWORD"):
            list(read(mapping=legacy.mapping(), file=legacy.address))


@pytest.mark.parametrize(
    "address",
    ["postgresql://reader:geheim@host/crm", "mysql://reader@host/crm?password=geheim", "oracle://host/crm", "postgresql://a:b:geheim@host/crm"],
)
def test_an_address_with_a_password_or_of_no_known_kind_is_refused_without_repeating_it(tmp_path: Path, address: str) -> None:
    file = tmp_path / "crm.dsn"
    file.write_text(f"{address}\n")
    mapping = Legacy(file, tmp_path, "", print).mapping()
    for given in (file, *([Path(address)] if not address.startswith("oracle") else [])):
        with pytest.raises(InvalidInput) as caught:
            list(read(mapping=mapping, file=given))
        assert "geheim" not in str(caught.value)
