"""How pages write money, days and use, and in which language."""

import gettext
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from hoeksteen.interfaces.web.words import chosen_language, grouped_iban, personal_name, spaced_postcode, words

ROOT = Path(__file__).resolve().parents[3]
CATALOGUE = ROOT / "src/hoeksteen/interfaces/locale/nl/LC_MESSAGES/messages.po"


def test_amounts_days_and_instants_are_written_as_the_language_does() -> None:
    dutch, english = words("nl"), words("en")
    assert dutch.money(Decimal("1234.50")).replace("\xa0", " ") == "€ 1.234,50"
    assert english.money(Decimal("-3.42")) == "-€3.42"
    assert [dutch.signed(bits) for bits in (-2.93, 15.1, 0.0)] == ["-2,9", "+15,1", "0"]
    assert english.signed(-2.93) == "-2.9"
    assert (dutch.day(date(2026, 3, 1)), english.day(date(2026, 3, 1))) == ("1 mrt 2026", "1 Mar 2026")
    # an instant shows as the operator's clock does: an hour earlier in UTC, two in summer
    assert english.instant(datetime(2026, 10, 24, 23, 30, tzinfo=UTC)) == "25 Oct 2026 01:30:00"
    assert english.day(datetime(2026, 10, 31, 23, 30, tzinfo=UTC)) == "1 Nov 2026"


def test_use_is_written_in_units_that_people_know() -> None:
    english = words("en")
    assert english.units("voice", 3_725) == "62:05 min"
    assert english.units("data", 5_250_000_000) == "5.25 GB"
    assert english.units("data", 1_500) == "1.5 kB"
    assert english.units("voice", -3_661) == "−61:01 min"
    assert english.units("sms", 1_200) == "1,200"
    assert (english.allowance("voice", 6_000), words("nl").allowance("voice", 60_000_000)) == ("100 min", "onbeperkt")


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [("en", "nl", "en"), (None, "en-GB,en;q=0.8", "en"), (None, "de,nl-NL;q=0.5", "nl"), (None, "", "nl"), ("xx", "fr", "nl")],
)
def test_the_visitor_chooses_the_language_or_else_the_browser(cookie: str | None, accepted: str, language: str) -> None:
    assert chosen_language(cookie=cookie, accepted=accepted) == language


def test_personal_details_are_written_as_people_write_them() -> None:
    assert personal_name({"given_name": "Johanna", "family_name_prefix": "van den", "family_name": "Berg"}) == "Johanna van den Berg"
    assert personal_name({"kind": "organization", "trading_name": "Bakkerij De Korst"}) == "Bakkerij De Korst"
    assert personal_name({}) == "—"
    assert words("nl").phone("31612345678") == "+31 6 12345678"
    assert words("nl").phone("••••78") == "••••78"
    assert (grouped_iban("NL91ABNA0417164300"), grouped_iban("••••4300")) == ("NL91 ABNA 0417 1643 00", "••••4300")
    assert (spaced_postcode("3511AW"), spaced_postcode("3511")) == ("3511 AW", "3511")


def test_every_text_of_the_pages_is_translated_and_no_translation_is_left_over(tmp_path: Path) -> None:
    template = tmp_path / "messages.pot"
    command = [Path(sys.executable).parent / "pybabel", "-q", "extract", "-F", ROOT / "tools/web/babel.cfg", "-k", "marked", "-o", template]
    subprocess.run([*command, ROOT / "src/hoeksteen/interfaces"], check=True, cwd=ROOT, capture_output=True)
    with template.open("rb") as opened:
        wanted = {message.id for message in read_po(opened) if message.id}
    with CATALOGUE.open("rb") as opened:
        texts = {message.id: message.string for message in read_po(opened, locale="nl") if message.id}
    assert wanted == set(texts)
    assert [text for text, translated in texts.items() if not translated or not all(translated)] == []


def test_a_translation_keeps_the_places_for_values() -> None:
    places = re.compile(r"%\((\w+)\)")
    with CATALOGUE.open("rb") as opened:
        for message in read_po(opened, locale="nl"):
            if message.id:
                originals = [message.id] if isinstance(message.id, str) else list(message.id)
                translated = [message.string] if isinstance(message.string, str) else list(message.string)
                for original, text in zip(originals, translated, strict=True):
                    assert set(places.findall(original)) == set(places.findall(text)), original


def test_english_is_the_language_of_the_source() -> None:
    assert type(words("en").translations) is gettext.NullTranslations
