"""The three exports: they parse, they say of a customer what the truth says, and the dirt has the shares that were fixed."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from fixtures.invented_exports import Invented, digits, read_fixed, read_mobile
from hoeksteen.product.price_list import SHIPPED
from hoeksteen.synth.model import PRODUCTS, SOURCES

FIXED_COLUMNS = (
    "KLANTNR;NAAM;ADRES;POSTCODE;PLAATS;GEBDAT;CONTACT;EMAIL;REKENING;BETAALWIJZE;MACHTIGING;MACHT_DAT;KVK;"
    "GEINCASSEERD;CONTR_MND;CONTR_VAN;CONTR_TOT;SALDO;FACTUUR;FACT_DAT;VERVALDAT;FACT_BEDR;OPEN_BEDR;VALUTA;BETWIST;FACT_TEKST;BELLEN;BELLEN_DAT;"
    "CONTACTPERS;CP_FUNCTIE;CP_TEL;MEMO_DAT;MEMO_DOOR;MEMO;"
    "AANSLNR;NUMMER;PRODUCT;STATUS;INGANG;EINDE;OPGESCHORT;GEFACT_TOT;MAANDBEDR"
)
MOBILE_KEYS = (
    "account_id,type,initials,given_name,prefix,surname,gender,birth_date,company,language,address,email,contact_phone,iban,payment,mandate,"
    "customer_since,sims,contract,balance_cents,invoices,consents,contacts,notes"
)


def share(part: int, whole: int) -> float:
    return part / whole


def of_people(invented: Invented) -> list[dict[str, Any]]:
    return [record for record in invented.truth if record["kind"] == "individual" and not record["reject"]]


def test_the_shares_of_dirt_are_as_fixed(large: Invented) -> None:
    truth = [record for record in large.truth if not record["reject"]]
    people = of_people(large)
    systems: dict[str, set[str]] = defaultdict(set)
    for record in truth:
        systems[record["person_id"]].add(record["source"])
    persons = {record["person_id"] for record in people}

    def persons_with(fact: str) -> int:
        return len({record["person_id"] for record in people if record[fact]})

    assert len(systems) == 20_000
    assert share(sum(len(found) > 1 for found in systems.values()), len(systems)) == pytest.approx(0.60, abs=0.001)
    assert share(persons_with("moved"), len(persons)) == pytest.approx(0.12, abs=0.001)
    assert share(persons_with("maiden_name"), len(persons)) == pytest.approx(0.02, abs=0.001)
    assert share(persons_with("father_son_pair"), len(persons)) == pytest.approx(0.01, abs=0.001)
    assert share(persons_with("twin_pair"), len(persons)) == pytest.approx(0.01, abs=0.001)
    assert share(sum(record["surname_typo"] for record in people), len(people)) == pytest.approx(0.04, abs=0.001)
    assert share(sum(record["no_birth_date"] for record in people), len(people)) == pytest.approx(0.03, abs=0.001)
    assert share(sum(record["birth_date_typo"] for record in people), len(people)) == pytest.approx(0.01, abs=0.001)
    assert share(sum(record["duplicate_in_source"] for record in truth), len(systems)) == pytest.approx(0.02, abs=0.001)
    assert all(systems[record["person_id"]] - {record["source"]} for record in truth if record["moved"] or record["maiden_name"])


def test_the_summary_counts_what_the_truth_holds(large: Invented) -> None:
    counts, truth = large.summary["counts"], large.truth
    assert large.summary["records"] == len(truth)
    for fact in ("surname_typo", "no_birth_date", "birth_date_typo", "maiden_name", "ambiguous_birth_date"):
        assert counts[fact] == sum(record[fact] for record in truth)
    assert counts["duplicates_in_source"] == sum(record["duplicate_in_source"] for record in truth)
    rejected = Counter(record["reject"] for record in truth if record["reject"])
    assert {kind.removeprefix("reject_"): count for kind, count in counts.items() if kind.startswith("reject_")} == rejected


def test_every_record_of_every_file_is_in_the_truth_once(small: Invented) -> None:
    keys = {source: [record["source_key"] for record in small.truth if record["source"] == source] for source in SOURCES}
    assert all(len(set(found)) == len(found) for found in keys.values())
    _, rows = read_fixed(small.directory / "fixed.csv")
    assert list(dict.fromkeys(row[0] for row in rows)) == keys["fixed"]
    lines = (small.directory / "mobile.jsonl").read_text("utf-8").splitlines()
    assert [line.split('"')[3] for line in lines] == keys["mobile"]
    assert [str(row["klant_id"]) for row in small.table("klant")] == keys["broadband"]


def test_the_fixed_line_export_parses(small: Invented) -> None:
    raw = (small.directory / "fixed.csv").read_bytes()
    text = raw.decode("latin-1")
    assert text.upper() == text
    assert any(byte > 0x7F for byte in raw)
    assert raw.count(b"\r\n") == raw.count(b"\n")
    heading, rows = read_fixed(small.directory / "fixed.csv")
    assert ";".join(heading) == FIXED_COLUMNS
    cut = {row[0] for row in rows if len(row) != len(heading)}
    assert cut == {record["source_key"] for record in small.truth if record["source"] == "fixed" and record["reject"] == "broken_line"}
    customers: dict[str, list[str]] = {}
    for row in rows:
        assert customers.setdefault(row[0], row[:34]) == row[:34]
    assert len({row["AANSLNR"] for row in small.fixed}) == len(small.fixed)


def test_the_mobile_export_parses(small: Invented) -> None:
    good, broken = read_mobile(small.directory / "mobile.jsonl")
    assert {",".join(entry) for entry in good} == {MOBILE_KEYS}
    assert len(broken) == sum(record["source"] == "mobile" and record["reject"] == "broken_line" for record in small.truth)
    assert any(len(entry["sims"]) > 1 for entry in good)
    for entry in good:
        assert (entry["type"] == "B") == (entry["company"] is not None)
        assert entry["sims"]


def test_the_broadband_export_is_whole(small: Invented) -> None:
    customers = {row["klant_id"] for row in small.table("klant")}
    subscriptions = {row["abonnement_id"] for row in small.table("abonnement")}
    homes = [row["klant_id"] for row in small.table("adres") if row["soort"] == 1]
    assert sorted(homes) == sorted(customers)
    assert {row["klant_id"] for row in small.table("abonnement")} == customers
    codes = {row["kortingcode"] for row in small.table("kortingcode")}
    for row in small.table("abonnement_korting"):
        assert row["abonnement_id"] in subscriptions
        assert row["kortingcode"] in codes
        assert row["kortingcode"] not in (12, 13) or row["geldig_tot"] > row["geldig_van"]


@pytest.mark.parametrize("source", SOURCES)
def test_a_reconciliation_finds_the_products_and_amounts_of_the_summary(small: Invented, source: str) -> None:
    rejectable = {record["source_key"] for record in small.truth if record["source"] == source and record["reject"]}
    if source == "fixed":
        cents = [int(row["MAANDBEDR"].replace(",", "")) for row in small.fixed if row["KLANTNR"] not in rejectable]
    elif source == "mobile":
        cents = [sim["monthly_cents"] for entry in small.mobile if entry["account_id"] not in rejectable for sim in entry["sims"]]
    else:
        cents = [row["maandbedrag_cent"] for row in small.table("abonnement") if str(row["klant_id"]) not in rejectable]
    totals = small.summary["sources"][source]
    assert (len(cents), sum(cents)) == (totals["products"], totals["monthly_cents"])
    assert totals["rejectable"] == len(rejectable) > 0
    assert totals["records"] == sum(record["source"] == source for record in small.truth)


def test_the_legacy_amounts_are_the_catalogues_list_prices() -> None:
    offerings = {}
    for path in sorted(SHIPPED.glob("*.yaml")):
        for offering in yaml.safe_load(path.read_text("utf-8")).get("offerings", []):
            offerings[offering["id"]] = str(offering)
    for product in PRODUCTS:
        if product.offering is not None:
            amount = f"{product.monthly_cents // 100}.{product.monthly_cents % 100:02d}"
            assert amount in offerings[product.offering], product


def test_each_kind_of_rejectable_record_is_there(small: Invented) -> None:
    rejects = {(record["source"], record["source_key"]): record["reject"] for record in small.truth if record["reject"]}
    assert {(source, kind) for (source, _), kind in rejects.items()} == {
        (source, kind) for source in SOURCES for kind in ("no_name", "impossible_date", "unknown_product", "broken_line")
    } - {("broadband", "broken_line")}
    for row in small.fixed:
        kind = rejects.get(("fixed", row["KLANTNR"]))
        assert (row["NAAM"].strip() == "") == (kind == "no_name")
        assert (row["INGANG"] == "31-02-2019") == (kind == "impossible_date")
        assert (row["PRODUCT"] == "TEL-X") == (kind == "unknown_product")
    for entry in small.mobile:
        kind = rejects.get(("mobile", entry["account_id"]))
        assert (not entry["surname"] and not entry["company"]) == (kind == "no_name")
        assert any(sim["product"] == "MX" for sim in entry["sims"]) == (kind == "unknown_product")
    by_customer = {row["klant_id"]: row for row in small.table("abonnement")}
    for row in small.table("klant"):
        kind = rejects.get(("broadband", str(row["klant_id"])))
        assert (not row["achternaam"] and not row["bedrijfsnaam"]) == (kind == "no_name")
        assert (by_customer[row["klant_id"]]["ingangsdatum"] == 20190231) == (kind == "impossible_date")


def _birth_dates(invented: Invented) -> dict[tuple[str, str], str]:
    """Birth dates as a careful reader would read them from each export, ISO."""
    dates = {("fixed", row["KLANTNR"]): "-".join(reversed(row["GEBDAT"].split("-"))) for row in invented.fixed}
    for entry in invented.mobile:
        if entry["birth_date"]:
            instant = datetime.strptime(entry["birth_date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            dates["mobile", entry["account_id"]] = instant.astimezone(ZoneInfo("Europe/Amsterdam")).date().isoformat()
    for row in invented.table("klant"):
        if row["geboortedatum"]:
            dates["broadband", str(row["klant_id"])] = datetime.strptime(str(row["geboortedatum"]), "%Y%m%d").date().isoformat()
    return {key: day for key, day in dates.items() if day}


def test_birth_dates_agree_between_systems_where_the_truth_says_so(large: Invented) -> None:
    dates = _birth_dates(large)
    known: dict[str, str] = {}
    agreeing = 0
    for record in of_people(large):
        day = dates.get((record["source"], record["source_key"]))
        assert (day is None) == record["no_birth_date"], record
        if day and not record["birth_date_typo"] and not record["ambiguous_birth_date"]:
            assert known.setdefault(record["person_id"], day) == day, record
            agreeing += 1
    assert agreeing > 20_000
    for record in of_people(large):
        if record["birth_date_typo"] and record["person_id"] in known:
            assert dates[record["source"], record["source_key"]] != known[record["person_id"]]


def test_birth_dates_before_the_common_clock_are_few_and_marked(large: Invented) -> None:
    marked = {record["source_key"] for record in large.truth if record["ambiguous_birth_date"]}
    found = {entry["account_id"] for entry in large.mobile if entry["birth_date"] and not entry["birth_date"].endswith(":00:00Z")}
    assert found == marked
    assert 3 <= len(marked) <= 20


def test_everybody_is_of_age(large: Invented) -> None:
    typed = {(record["source"], record["source_key"]) for record in large.truth if record["birth_date_typo"]}
    youngest = max(day for key, day in _birth_dates(large).items() if key not in typed)
    assert youngest <= date(2008, 10, 1).isoformat()


def test_who_moved_has_the_former_address_in_one_record(large: Invented) -> None:
    postcodes = {("fixed", row["KLANTNR"]): row["POSTCODE"] for row in large.fixed}
    postcodes |= {("mobile", entry["account_id"]): entry["address"]["postcode"] for entry in large.mobile}
    postcodes |= {("broadband", str(row["klant_id"])): row["postcode"] for row in large.table("adres") if row["soort"] == 1}
    lives: dict[str, set[str]] = defaultdict(set)
    for record in of_people(large):
        postcode = postcodes[record["source"], record["source_key"]].replace(" ", "").upper()
        lives[f"{record['person_id']} {record['moved']}"].add(postcode)
    assert all(len(found) == 1 for found in lives.values())
    moved = [key.split()[0] for key in lives if key.endswith("True")]
    differ = sum(lives[f"{person} True"] != lives[f"{person} False"] for person in moved if f"{person} False" in lives)
    assert differ > 0.97 * len(moved)


def test_fathers_and_sons_look_alike_and_share_an_address(large: Invented) -> None:
    people: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in large.truth:
        if record["father_son_pair"]:
            people[record["father_son_pair"]].append(record)
    entries = {entry["account_id"]: entry for entry in large.mobile}
    compared = 0
    for records in people.values():
        assert len({record["person_id"] for record in records}) == 2
        assert len({record["household_id"] for record in records}) == 1
        mobile = [record for record in records if record["source"] == "mobile" and not (record["surname_typo"] or record["moved"])]
        if len({record["person_id"] for record in mobile}) == 2:
            first, second = (entries[record["source_key"]] for record in mobile[:2])
            compared += 1
            letters = {(entry["initials"] or "").replace(".", "").replace(" ", "") for entry in (first, second)}
            assert len(letters) == 1
            assert first["address"]["city"].upper() == second["address"]["city"].upper()
    assert compared > 5


def test_own_numbers_are_unique_and_dates_are_in_order(small: Invented) -> None:
    numbers = [digits(row["NUMMER"]) for row in small.fixed] + [digits(sim["msisdn"]) for entry in small.mobile for sim in entry["sims"]]
    assert len(set(numbers)) == len(numbers)
    assert all(len(number) == 11 for number in numbers)
    for start, end in small.lines().values():
        assert end is None or start < end


def test_what_was_billed_before_is_stated_per_product(small: Invented) -> None:
    for entry in small.mobile:
        for sim in entry["sims"]:
            assert sim["billed_to"] == (sim["start"] if sim["start"] >= "2026-10-01" else "2026-11-01")
            assert sim["status"] == ("terminated" if sim["end"] else "suspended" if sim["suspended"] else "active")
            assert sim["end"] is None or "2026-10-02" <= sim["end"] <= "2026-10-31"
    counts = small.summary["counts"]
    assert min(counts["products_activated_in_month"], counts["products_terminated_in_month"], counts["products_suspended"]) > 0
