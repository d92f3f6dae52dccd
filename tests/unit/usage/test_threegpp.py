"""Charging records of TS 32.298 are read as their network wrote them; one that is broken is rejected, and those behind it are read."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from factories import cdr
from factories.cdr import OWN, cdr_file, chf, chf_sms, encode, mo_call, mo_sms, number, pgw, plmn, sgsn_sms, sgw, stamp
from factories.usage_files import House
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.product.numbering_plan import countries
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage._intake import staged
from hoeksteen.usage._reading import read
from hoeksteen.usage.adapters import named
from hoeksteen.usage.adapters.threegpp.values import _countries

NOW = datetime(2026, 12, 1, tzinfo=UTC)
NOON = datetime(2026, 10, 3, 10, tzinfo=UTC)
Rows = list[tuple[Any, ...]]


def rows_of(tmp_path: Path, content: bytes, adapter: str = "ts32298_ber") -> Rows:
    path = tmp_path / "file"
    path.write_bytes(content)
    with staged(path, tmp_path / "stage") as file, Duck() as duck:
        read(duck, file, named(adapter), NOW)
        text = "SELECT * REPLACE (own_number::VARCHAR AS own_number, other_number::VARCHAR AS other_number) FROM checked"
        rows = duck.rows(f"SELECT service, own_number, other_number, start, units, country, reason, source_record_id FROM ({text}) ORDER BY line")
    return [tuple(row.values()) for row in rows]


def reasons(rows: Rows) -> list[str | None]:
    return [row[6] for row in rows]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (sgw(volumes=((100, 200), (5, 7), (0, 0))), ("data", OWN, None, NOON, 312, "NL", None)),
        (pgw(), ("data", OWN, None, NOON, 33, "DE", None)),
        (mo_call(), ("voice", OWN, "31201234567", NOON, 61, "NL", None)),
        (mo_call(calledNumber=number("4930123456")), ("voice", OWN, "4930123456", NOON, 61, "NL", None)),
        (mo_call(calledNumber=number("112", 0x81)), ("voice", OWN, "112", NOON, 61, "NL", None)),
        (mo_sms(), ("sms", OWN, "31612345678", NOON, 1, "NL", None)),
        (mo_sms(smsResult=("gsm0408Cause", 38)), ("sms", OWN, "31612345678", NOON, 0, "NL", None)),
        (sgsn_sms(), ("sms", OWN, "31612345678", NOON, 1, "NL", None)),
        (chf(), ("data", OWN, None, NOON, 1034, "US", None)),
        (chf_sms(), ("sms", OWN, "31612345678", NOON, 1, "NL", None)),
        (chf_sms(recipientInfos=[{"other": {"data": "+31612345678"}}]), ("sms", OWN, "31612345678", NOON, 1, "NL", None)),
        (chf_sms(result=1), ("sms", OWN, "31612345678", NOON, 0, "NL", None)),
    ],
)
def test_a_record_says_what_its_network_wrote(tmp_path: Path, record: bytes, expected: tuple[Any, ...]) -> None:
    assert [row[:7] for row in rows_of(tmp_path, record)] == [expected]
    assert [row[:7] for row in rows_of(tmp_path, cdr_file(record), "ts32297_cdr")] == [expected]


def test_a_call_without_an_answer_costs_nothing(tmp_path: Path) -> None:
    record = encode(
        "moCall", recordType=0, servedMSISDN=number(OWN), calledNumber=number("0201234567", 0x81), recordingEntity=number("31653000000"),
        seizureTime=stamp("261003115955"), callDuration=30, causeForTerm=1, callReference=b"\1\2\3",
    )  # fmt: skip
    [row] = rows_of(tmp_path, record)
    assert (row[3], row[4], row[6]) == (datetime(2026, 10, 3, 9, 59, 55, tzinfo=UTC), 0, None)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (sgw(servedMSISDN=number("3169990000a")), "bad_number"),
        (sgw(recordOpeningTime=stamp("261332120000")), "bad_date"),
        (sgw(recordOpeningTime=stamp(zone=b" \x02\x00")), "bad_date"),
        (sgw(recordOpeningTime=stamp("700101000000")), "date_out_of_range"),
        (sgw(volumes=((-5, 10),)), "negative_units"),
        (sgw(volumes=((2**63, 0),)), "bad_units"),
        (sgw(volumes=((10**14, 0),)), "units_out_of_range"),
        (sgw(volumes=((2**200, 0),)), "cut_record"),
        (pgw(servedMSISDN=b""), "bad_number"),
        (mo_call(callDuration=-1), "negative_units"),
        (mo_call(callDuration=2**40), "units_out_of_range"),
        (mo_call(calledNumber=b"\x91"), "bad_number"),
        (chf(pDUSession={"chargingID": 5, "sessionId": 1}), "bad_number"),
        (chf_sms(messageType="delivery"), "not_charged"),
        (encode("mtCall", recordType=1, servedMSISDN=number(OWN), callDuration=60), "not_charged"),
        (encode("mtSms", recordType=7), "not_charged"),
        (encode("sgsnMm", recordType=19), "unknown_record"),
        (b"\x30\x03\x02\x01\x05", "unknown_record"),
        (b"\x80\x01\x05", "cut_record"),
        (sgw()[:-1], "cut_record"),
    ],
)
def test_a_record_that_cannot_be_used_says_why(tmp_path: Path, record: bytes, reason: str) -> None:
    assert reasons(rows_of(tmp_path, record)) == [reason]


def test_the_country_is_that_of_the_serving_network(tmp_path: Path) -> None:
    records = [sgw(servingNodePLMNIdentifier=plmn(*one)) for one in (("204", "08"), ("208", "01"), ("901", "28"))]
    assert [row[5] for row in rows_of(tmp_path, b"".join(records))] == ["NL", "FR", ""]
    assert set(_countries().values()) <= {country for country, _ in countries()}


DAMAGES = {
    "a length too long": lambda record: record[:3] + bytes([record[3] ^ 0x7F]) + record[4:],
    "a length inside": lambda record: record.replace(b"\x80\x01", b"\x80\x71", 1).replace(b"\x80\x02", b"\x80\x7f", 1),
    "cut in the middle": lambda record: record[: len(record) // 2],
    "its beginning lost": lambda record: record[4:],
    "zeros written over": lambda record: record[:6] + bytes(20) + record[26:],
    "noise": lambda record: bytes((7 * at * at + 13) % 251 for at in range(300)),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("adapter", ["ts32298_ber", "ts32297_cdr"])
def test_behind_a_broken_record_the_next_is_read(tmp_path: Path, damage: str, adapter: str) -> None:
    records = [sgw(1), DAMAGES[damage](sgw(2)), mo_call(3), DAMAGES[damage](chf("4")), pgw(5)]
    content = cdr_file(*records) if adapter == "ts32297_cdr" else b"".join(records)
    found = reasons(rows_of(tmp_path, content, adapter))
    assert [reason for reason in found if reason is None] == [None] * 3
    assert set(found) - {None} <= {"cut_record", "unknown_record"}
    assert adapter == "ts32298_ber" or len(found) == 5


@pytest.mark.parametrize("beginning", ["a002a080", "a005a080800100", "a0808001", "a00480840000", "bf4e8080015400"])
def test_what_begins_like_a_record_again_and_again_ends_soon(tmp_path: Path, beginning: str) -> None:
    """Each beginning, looked at as far as it seems to reach, would take hours for a file of this size."""
    content = bytes.fromhex(beginning) * 50_000
    try:
        assert set(reasons(rows_of(tmp_path, content + sgw()))) <= {"cut_record", "unknown_record", None}
    except InvalidInput as refused:
        assert "so much that is broken" in str(refused)


def test_a_file_of_many_broken_records_keeps_those_that_are_whole(tmp_path: Path) -> None:
    broken = [DAMAGES[name](sgw(one)) for one in range(100) for name in ("a length too long", "its beginning lost", "cut in the middle")]
    rows = rows_of(tmp_path, b"".join(one + mo_call(number) for number, one in enumerate(broken)))
    assert reasons(rows).count(None) == 300


def test_fillers_between_blocks_are_no_records(tmp_path: Path) -> None:
    assert reasons(rows_of(tmp_path, b"\xff\xff" + sgw(1) + bytes(100) + sgw(2) + b"\xff" * 7)) == [None, None]
    with pytest.raises(InvalidInput, match="holds no record"):
        rows_of(tmp_path, bytes(100))


def test_lengths_that_the_end_tells_are_read(tmp_path: Path) -> None:
    whole = sgw()
    inner = whole[3 + (whole[2] == 0x81) :]
    assert reasons(rows_of(tmp_path, b"\xbf\x4e\x80" + inner + b"\0\0" + sgw(2))) == [None, None]


@pytest.mark.parametrize("release", [6, 7])
def test_a_file_is_refused_when_its_header_does_not_agree(tmp_path: Path, release: int) -> None:
    whole = cdr_file(sgw(1), sgw(2), release=release)
    assert reasons(rows_of(tmp_path, whole, "ts32297_cdr")) == [None, None]
    assert reasons(rows_of(tmp_path, cdr_file(sgw(1), count=0xFFFFFFFF), "ts32297_cdr")) == [None]
    for content, message in [
        (whole[:-1], "file: file: says"),
        (whole + b"\0", "file: file: says"),
        (cdr_file(sgw(1), count=2), "file: file: says 2 records, and holds 1"),
        (whole[:40], "file: file: is shorter"),
        (whole[:4] + b"\xff\xff\xff\xff" + whole[8:], "file: file: says a header"),
        ((len(whole) + 3).to_bytes(4, "big") + whole[4:] + b"\x00\x05\xc0", "file: record 3: length: says 5 bytes"),
    ]:
        with pytest.raises(InvalidInput, match=message):
            rows_of(tmp_path, content, "ts32297_cdr")


def test_records_in_another_encoding_are_rejected(tmp_path: Path) -> None:
    assert reasons(rows_of(tmp_path, cdr_file(sgw(1), encoding=4), "ts32297_cdr")) == ["unknown_record"]


def test_partial_records_of_a_session_are_told_apart_and_the_same_again_is_known(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, sgw(1) + sgw(1, recordOpeningTime=stamp("261003130000")) + sgw(2) + sgw(1, recordSequenceNumber=2) + sgw(1) + mo_sms())
    identities = [row[7] for row in rows]
    assert len(set(identities[:4])) == 4 and identities[4] == identities[0]
    assert identities[5] is None, "a reference of one octet identifies nothing"
    assert not any(OWN in str(identity) or cdr.tbcd(OWN).hex() in str(identity) for identity in identities)


def test_a_file_goes_all_the_way(database: Database, lake: Lake, keeper: RunningKeeper, tmp_path: Path) -> None:
    house = House(database, lake, keeper, tmp_path)
    house.hold(OWN)
    path = tmp_path / "cdr.ber"
    path.write_bytes(sgw(1) + sgw(1) + chf() + mo_call() + mo_sms() + mo_sms() + sgw(2)[:-5])
    balance = house.take_file(path, "ts32298_ber")
    assert {(str(count.state), count.reason): count.records for count in balance.states} == {
        ("guided", ""): 4, ("duplicate", ""): 2, ("rejected", "cut_record"): 1,
    }  # fmt: skip
    assert balance.closes
