"""Legacy records as tests need them: a whole one, of which a test changes what it is about."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from hoeksteen.consolidation.features import Facts
from hoeksteen.consolidation.mapping import Mapping, read_mapping
from hoeksteen.consolidation.model import Extract, LegacyProduct, LegacyRecord, Source
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.consolidation.standardise.addresses import Address
from hoeksteen.consolidation.standardise.names import in_parts
from hoeksteen.consolidation.translate import extract

PSEUDONYMS = Pseudonyms(bytes(range(32)))
TODAY = date(2026, 11, 1)
FIXED_HEADER = (
    "KLANTNR;NAAM;ADRES;POSTCODE;PLAATS;GEBDAT;CONTACT;EMAIL;REKENING;BETAALWIJZE;MACHTIGING;MACHT_DAT;KVK;GEINCASSEERD;CONTR_MND;CONTR_VAN;CONTR_TOT;"
    "SALDO;FACTUUR;FACT_DAT;VERVALDAT;FACT_BEDR;OPEN_BEDR;VALUTA;BETWIST;FACT_TEKST;BELLEN;BELLEN_DAT;CONTACTPERS;CP_FUNCTIE;CP_TEL;MEMO_DAT;MEMO_DOOR;"
    "MEMO;AANSLNR;NUMMER;PRODUCT;STATUS;INGANG;EINDE;OPGESCHORT;GEFACT_TOT;MAANDBEDR"
)
IBM_HEADER = (
    "customerID,gender,SeniorCitizen,Partner,Dependents,tenure,PhoneService,MultipleLines,InternetService,OnlineSecurity,OnlineBackup,"
    "DeviceProtection,TechSupport,StreamingTV,StreamingMovies,Contract,PaperlessBilling,PaymentMethod,MonthlyCharges,TotalCharges,Churn"
)

MOBILE: dict[str, Any] = {
    "account_id": "M-1000017", "type": "P", "initials": "J.M.", "given_name": "Jan", "prefix": "van den", "surname": "Berg", "gender": "M",
    "birth_date": "1960-07-03T22:00:00Z", "company": None, "language": "nl",
    "address": {"street": "Kerkstraat", "number": "12", "addition": "A", "postcode": "1234 AB", "city": "Noordbeek"},
    "email": "jan@post.example", "contact_phone": None, "iban": None, "payment": "DD", "mandate": None, "customer_since": "2019-03-01",
    "sims": [
        {"sim_id": "S1000001", "msisdn": "31612345677", "iccid": "8931990000000000018", "product": "MM", "status": "active", "start": "2019-03-01",
         "end": None, "suspended": None, "billed_to": "2026-11-01", "monthly_cents": 2000},
    ],
}  # fmt: skip

FACTS = Facts(
    organization=False,
    surnames=("BERG",),
    initials="JM",
    given_name="",
    gender="male",
    suffix="",
    birth_date="19600704",
    dwelling="1234AB|12|",
    phones=frozenset({"31612345677"}),
    emails=frozenset({"jan@post.example"}),
    iban="NL91ABNA0417164300",
    company="",
    chamber_of_commerce_number="",
)


def facts(**changes: Any) -> Facts:
    """A man of whom everything is known, but for what changes."""
    return replace(FACTS, **changes)


def company_facts(**changes: Any) -> Facts:
    """A company of which everything is known, but for what changes."""
    own: dict[str, Any] = {
        "organization": True, "surnames": (), "initials": "", "gender": "", "birth_date": "", "company": "GOUDENAAR",
        "chamber_of_commerce_number": "12345678",
    }  # fmt: skip
    return replace(FACTS, **{**own, **changes})


def product(**changes: Any) -> LegacyProduct:
    """A mobile connection in service, but for what changes."""
    whole = LegacyProduct(
        "S1", "mobile-m", date(2020, 1, 1), None, None, date(2026, 11, 1), Decimal("20.00"), "31612345677", "msisdn", "8931990000000000018"
    )
    return replace(whole, **changes)


def record(source: str = "fixed", key: str = "1", **changes: Any) -> LegacyRecord:
    """A man with one mobile connection, but for what changes."""
    whole = LegacyRecord(
        record_id=PSEUDONYMS.record_id(source, key),
        source=source,
        source_key=key,
        row=2,
        digest=b"0" * 16,
        kind="individual",
        name=in_parts(family_name="Berg", family_name_prefix="van den", initials="J.M."),
        trading_name=None,
        legal_form=None,
        chamber_of_commerce_number=None,
        birth_date=date(1960, 7, 4),
        gender="male",
        language=None,
        addresses={"residential": Address("Kerkstraat", 12, None, "1234AB", "Noordbeek")},
        phones=("31612345677",),
        emails=("jan@post.example",),
        iban="NL91ABNA0417164300",
        payment_method="direct_debit",
        mandate_reference="M1",
        mandate_date=date(2019, 3, 1),
        customer_since=date(2019, 3, 1),
        products=(product(),),
    )
    return replace(whole, **changes)


def fixed_row(key: str = "10000001", line: str = "A1000001", **changes: str) -> str:
    """A row of the fixed-line export, but for what changes; `line` is the connection."""
    values = dict(
        zip(
            FIXED_HEADER.split(";"),
            f"{key};BERG VAN DEN J.M. DHR;KERKSTR 12 A;1234 AB;NOORDBEEK;04-07-1960;06-12345677;JAN@POST.EXAMPLE;NL91 ABNA 0417 1643 00;A;LF1;"
            f"01-03-2019;{';' * 22}{line};030-2123456;TEL-B;A;01-03-2019;;;01-11-2026;12,50".split(";"),
            strict=True,
        )
    )
    return ";".join({**values, **changes}.values())


def write_fixed(folder: Path, *rows: str, encoding: str = "iso-8859-1", header: str = FIXED_HEADER) -> Path:
    """The fixed-line export with these rows."""
    file = folder / "fixed.csv"
    file.write_bytes("".join(f"{line}\r\n" for line in (header, *rows)).encode(encoding))
    return file


def write_mobile(folder: Path, *records: dict[str, Any] | str) -> Path:
    """The mobile export with these records, or lines as they stand."""
    file = folder / "mobile.jsonl"
    file.write_text("".join((entry if isinstance(entry, str) else json.dumps(entry)) + "\n" for entry in records), "utf-8")
    return file


def extracted(file: Path, mapping: str | Mapping = "fixed", *, records_expected: int | None = None) -> Extract:
    """An export, read and standardised."""
    declared = read_mapping(Path(mapping)) if isinstance(mapping, str) else mapping
    source = Source(declared.file, file, records_expected)
    return extract(source=source, mapping=declared, pseudonyms=PSEUDONYMS, today=TODAY, cutover=TODAY)
