"""The month of usage: each file holds what the truth says of it, and nothing else is wrong with it."""

import json
import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures.invented_exports import Invented, digits

FAULTS = {"bad_number", "bad_date", "negative_units", "cut_line"}
FIRST, AFTER = datetime.fromisoformat("2026-10-01T00:00:00+02:00"), datetime.fromisoformat("2026-11-01T00:00:00+01:00")


def _fault_of(own: str, start: str, units: list[int]) -> str | None:
    if re.search("[^0-9+]", own):
        return "bad_number"
    try:
        datetime.fromisoformat(start)
    except ValueError:
        return "bad_date"
    return "negative_units" if min(units) < 0 else None


def read_voice(path: Path) -> list[dict[str, Any]]:
    """The R lines of a file; `fault` names what makes one rejectable."""
    head, *lines, tail = path.read_text("utf-8").split("\n")[:-1]
    assert re.fullmatch(rf"H;voice_sms;{re.findall('[0-9]+', path.stem)[-1]};2026-11-01T03:00:00\+01:00;{len(lines)}", head)
    assert tail == f"T;{len(lines)}"
    records = []
    for line in lines:
        fields = line.split(";")
        if len(fields) != 7:
            records.append({"line": line, "fault": "cut_line"})
            continue
        kind, _, service, own, other, start, units = fields
        assert kind == "R"
        assert service in ("V", "S")
        fault = _fault_of(own, start, [int(units)])
        records.append({"line": line, "fault": fault, "own": own, "other": other, "start": start, "units": int(units), "service": service})
    return records


def read_sessions(path: Path) -> list[dict[str, Any]]:
    records = []
    for line in path.read_text("utf-8").splitlines():
        try:
            content = json.loads(line)
        except json.JSONDecodeError:
            records.append({"line": line, "fault": "cut_line"})
            continue
        assert list(content) == ["own_number", "start", "uplink_bytes", "downlink_bytes", "apn", "visited_country"]
        volumes = [content["uplink_bytes"], content["downlink_bytes"]]
        fault = _fault_of(content["own_number"], content["start"], volumes)
        records.append({"line": line, "fault": fault, "own": content["own_number"], "other": "", "units": sum(volumes), **content})
    return records


@pytest.mark.parametrize(("kind", "read"), [("voice_sms", read_voice), ("sessions", read_sessions)])
def test_each_file_holds_what_the_truth_says(small: Invented, kind: str, read: Any) -> None:
    truths = {file["name"]: file for file in small.usage_truth["files"]}
    held, seen = small.lines(), set()
    for path in small.usage(kind):
        truth, counts = truths[path.name], Counter[str]()
        for record in read(path):
            if record["line"] in seen:
                counts["duplicate"] += 1
                continue
            seen.add(record["line"])
            if record["fault"]:
                counts[record["fault"]] += 1
            elif digits(record["own"]) not in held:
                counts["no_product"] += 1
            elif record["other"] == "999999":
                counts["no_zone"] += 1
            elif datetime.fromisoformat(record["start"]) < FIRST:
                counts["late"] += 1
            else:
                counts["normal"] += 1
        assert {fault: counts.pop(fault) for fault in FAULTS} == truth["rejected_by"]
        assert counts == {name: truth[name] for name in ("normal", "late", "duplicate", "no_zone", "no_product") if truth[name]}
        assert truth["records"] == sum(counts.values()) + truth["rejected"]
        assert min(truth["late"], truth["duplicate"], truth["no_product"], truth["rejected"]) > 0
    assert len(list(small.usage(kind))) == sum(name.startswith(kind) for name in truths) >= 2


def test_the_totals_are_the_sum_of_the_files(small: Invented) -> None:
    for name, total in small.usage_truth["total"].items():
        if isinstance(total, int):
            assert total == sum(file[name] for file in small.usage_truth["files"])
    total = small.usage_truth["total"]
    assert total["duplicate"] / total["records"] == pytest.approx(0.005, abs=0.001)
    assert total["late"] / total["records"] == pytest.approx(0.002, abs=0.001)


@pytest.mark.parametrize(("kind", "read"), [("voice_sms", read_voice), ("sessions", read_sessions)])
def test_usage_lies_in_the_days_in_which_its_line_is_active(small: Invented, kind: str, read: Any) -> None:
    held = small.lines()
    for path in small.usage(kind):
        for record in read(path):
            if record["fault"] or digits(record["own"]) not in held:
                continue
            day = record["start"][:10]
            start, end = held[digits(record["own"])]
            assert start <= day, record["line"]
            assert end is None or day < end, record["line"]
            assert FIRST - timedelta(days=31) <= datetime.fromisoformat(record["start"]) < AFTER


def test_the_hour_that_comes_twice_holds_two_different_calls(small: Invented) -> None:
    pairs = 0
    for path in small.usage("voice_sms"):
        at = {}
        for record in read_voice(path):
            if record.get("start", "").startswith("2026-10-25T02:30:00") and not record["fault"]:
                at[digits(record["own"]), record["other"], record["units"], record["start"][-6:]] = record["line"]
        pairs += sum((own, other, units, "+01:00") in at for own, other, units, offset in at if offset == "+02:00")
    assert pairs == small.usage_truth["total"]["dst_pairs"] >= 2


def test_every_start_carries_the_offset_of_its_day(small: Invented) -> None:
    changed = datetime.fromisoformat("2026-10-25T03:00:00+02:00")
    for record in read_voice(next(small.usage("voice_sms"))):
        if not record["fault"]:
            start = datetime.fromisoformat(record["start"])
            assert record["start"].endswith("+02:00" if start < changed else "+01:00")


def test_record_ids_are_unique_but_for_repeats(small: Invented) -> None:
    lines: dict[str, str] = {}
    for path in small.usage("voice_sms"):
        for record in read_voice(path):
            name = record["line"].split(";")[1]
            assert lines.setdefault(name, record["line"]) == record["line"]


def test_people_call_by_day_and_a_good_share_exceeds_what_is_included(small: Invented) -> None:
    hours, seconds, zero = Counter[int](), Counter[str](), 0
    for path in small.usage("voice_sms"):
        for record in read_voice(path):
            if not record["fault"] and record["service"] == "V":
                hours[int(record["start"][11:13])] += 1
                seconds[digits(record["own"])] += record["units"]
                zero += record["units"] == 0
    assert sum(hours[hour] for hour in range(1, 6)) < 0.1 * sum(hours[hour] for hour in range(17, 22))
    assert zero > 0.03 * hours.total()
    month = 6000 * 60 / 100  # 100 minutes, at 60 records per line instead of 100
    assert 0.1 < sum(total > month for total in seconds.values()) / len(seconds) < 0.5


def test_sessions_abroad_are_few_and_in_known_countries(small: Invented) -> None:
    countries = Counter[str]()
    for path in small.usage("sessions"):
        countries.update(record["visited_country"] for record in read_sessions(path) if not record["fault"])
    assert set(countries) <= set("NL DE BE FR ES IT PT GR AT PL GB US TR MA SR CH".split())  # noqa: SIM905 shorter than the list
    assert 0.005 < 1 - countries["NL"] / countries.total() < 0.05
