"""Whatever a price list says, it is read whole or refused with its faults; rules that could not be applied, or stop rating, are faults."""

import copy
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.product.price_list import SHIPPED, read_directory, read_mapping
from hoeksteen.product.validation import remarks

MUTATIONS = 600
ODD: list[Any] = [
    None,
    -1,
    0,
    2**63,
    1.5,
    True,
    "",
    "x",
    "NaN",
    "-0.01",
    "Infinity",
    "1e999",
    [],
    [[]],
    {},
    [{}],
    "25:00",
    "2026-02-30",
    b"\xff",
    {"a": []},
    {1: 2, None: 3, "x": 4},
    "1e400000000",
    "1e-400000000",
    date(1, 1, 1),
    date(9999, 12, 31),
]
PLAN: dict[str, Any] = yaml.safe_load("""
price_lists:
  shared:
    - {id: sms, kind: usage, service: sms, versions: [{valid_from: 2026-01-01, package: {size: 10, amount: "1.00", free_units: 20}}]}
offerings:
  - id: plan
    family: mobile
    name: {nl: Plan, en: Plan}
    segment: consumer
    tax_included: true
    uses: [shared]
    prices:
      - {id: month, kind: recurring, versions: [{valid_from: 2026-01-01, amount: "20.00", days_in_period: "30"}]}
      - {id: data, kind: usage, service: data, versions: [{valid_from: 2026-01-01, amount: "0.002"}, {valid_from: 2026-11-15, amount: "0.003"}]}
      - id: voice
        kind: usage
        service: voice
        versions:
          - valid_from: 2026-01-01
            amount: "0.10"
            time_zone: UTC
            end_rounding: {mode: up, digits: 2}
            bands: [{id: peak, days: [monday], from: "08:00", to: "19:00", amount: "0.20", connection_fee: "0.05"}]
          - {valid_from: 2026-02-01, blocks: [{units: 60, step: 60, amount: "0.20"}, {step: 1, amount: "0.20"}]}
      - id: purchase
        kind: usage
        service: purchase
        versions:
          - {valid_from: 2026-01-01, percent: "1.3", connection_fee: "2.00", first_free: {records: 3, units: 250000000}}
          - valid_from: 2026-02-01
            tiers: {mode: volume, shared: true, steps: [{up_to_units: 9, percent: "2", flat: "1.00"}, {amount: "0.01", block_units: 5000000}]}
    allowances:
      - {id: bytes, service: data, units: 5000000000}
    caps:
      - {id: roaming, service: data, zones: [EU, WORLD], amount: "50.00"}
""")  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give every (container, key) of a nested value."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def test_the_plan_with_every_setting_is_valid() -> None:
    [entry] = read_mapping(PLAN).offerings
    assert len(entry.offering.usage_prices) == 7
    assert remarks(offering=entry.offering) == []


def test_an_odd_value_anywhere_is_refused_with_its_faults_or_read() -> None:
    chance = random.Random(11)
    refused = 0
    for _ in range(MUTATIONS):
        plan = copy.deepcopy(PLAN)
        container, key = chance.choice(list(places(plan)))
        container[key] = chance.choice(ODD)
        try:
            read_mapping(plan)
        except InvalidInput as error:
            refused += 1
            assert "The catalogue has faults: " in str(error)
    assert refused > MUTATIONS * 0.8


def test_every_shipped_file_with_an_odd_value_is_refused_or_read() -> None:
    chance = random.Random(12)
    files = [yaml.safe_load(file.read_text("utf-8")) for file in sorted(Path(SHIPPED).glob("*.yaml"))]
    for _ in range(MUTATIONS // 6):
        content = copy.deepcopy(chance.choice(files))
        container, key = chance.choice(list(places(content)))
        container[key] = chance.choice(ODD)
        try:
            read_mapping(content)
        except InvalidInput:
            continue


VERSION = ["offerings", 0, "prices", 1, "versions", 0]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ([*VERSION, "amount"], "-0.01", r"plan/data/versions\[0\]: amount: must not be less than 0"),
        ([*VERSION, "valid_from"], "0001-01-01", "valid_from: must lie in 1900 to 2999"),
        ([*VERSION, "valid_to"], date(9999, 12, 31), "valid_to: must lie in 1900 to 2999; leave out the end of what does not end"),
        ([*VERSION, "amount"], "1e400000000", "amount: must be less than"),
        ([*VERSION, "amount"], "1e-400000000", "amount: must be less than"),
        ([*VERSION, 5], "x", "5: is not a known field"),
        ([*VERSION, "connection_fee"], "-0.01", "connection_fee: must not be less than 0"),
        ([*VERSION, "amount"], "99999999.000001", "amount: is too much for the largest use of 1,000,000,000,000 units"),
        ([*VERSION, "step"], 2**63, "step: must be a whole number up to"),
        ([*VERSION, "percent"], "1.3", "percent: is for purchases only"),
        ([*VERSION, "bands"], [], "bands: are for voice only"),
        ([*VERSION, "first_free"], {}, "first_free: must say how many"),
        ([*VERSION, "time_zone"], "Mars/Base", "time_zone: must be the name of a time zone"),
        ([*VERSION, "end_rounding"], {"mode": "bankers", "digits": 2}, "mode: must be one of up, half_up, down"),
        ([*VERSION, "end_rounding"], {"mode": "up", "digits": 7}, "digits: must be a whole number up to 6"),
        ([*VERSION, "blocks"], [{"units": 5, "amount": "0.002"}], "blocks: the last one, and only that, must have no units"),
        ([*VERSION, "package"], {"size": 5, "amount": "1"}, "amount: stands in the package"),
        (["offerings", 0, "prices", 2, "versions", 0, "tiers"], {}, "bands: cannot be combined with tiers"),
        (["offerings", 0, "prices", 2, "id"], "data", "prices: data stands twice"),
        (["offerings", 0, "caps", 0, "amount"], "-1.00", "plan/roaming: amount: must not be less than 0"),
        (["offerings", 0, "caps"], [{"id": "a", "service": "data", "amount": "1"}, {"id": "b", "service": "data", "zones": ["EU"], "amount": "1"}],
         "caps: plan/a and plan/b both bound data zone EU roaming EU"),
        (["offerings", 0, "caps"], [{"id": "a", "service": "data", "zones": ["NL"], "roaming": ["WORLD"], "amount": "1"}],
         "in which no data can be used"),
        (["offerings", 0, "allowances"], [{"id": "a", "service": "data", "units": 5}, {"id": "a", "service": "sms", "units": 5}],
         "plan/a stands twice"),
        (["offerings", 0, "prices"], [], "allowances: plan/bytes is for data, which has no price here"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_kept_is_a_fault(path: list[Any], value: Any, message: str) -> None:
    plan = copy.deepcopy(PLAN)
    target: Any = plan
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(InvalidInput, match=message):
        read_mapping(plan)


def test_a_dear_price_of_a_large_unit_is_no_fault() -> None:
    plan = copy.deepcopy(PLAN)
    plan["offerings"][0]["prices"][1]["versions"][0]["amount"] = "250.00"
    read_mapping(plan)


@pytest.mark.parametrize(
    ("price", "message"),
    [
        ({"tiers": {"mode": "graduated", "steps": [{"up_to_units": 10, "amount": "0.10"}, {"amount": "0.20"}]}}, "tiers: get dearer"),
        ({"amount": "0.10", "bands": [{"id": "a", "from": "08:00", "to": "20:00", "amount": "0.10"}]}, "bands: a costs what is charged outside"),
        ({"amount": "0.10", "bands": [{"id": "a", "from": "08:00", "to": "20:00", "amount": "0.20"},
                                      {"id": "b", "from": "09:00", "to": "10:00", "amount": "0.30"}]}, "bands: b never applies"),
        ({"amount": "0.10", "split_at_band": True}, "split_at_band: has no effect"),
        ({"amount": "0.10", "minimum": 50, "step": 60}, "minimum: is no whole number of steps; 60 units"),
    ],
)  # fmt: skip
def test_what_is_seldom_meant_is_remarked(price: dict[str, Any], message: str) -> None:
    plan = copy.deepcopy(PLAN)
    plan["offerings"][0]["prices"][2]["versions"] = [{"valid_from": "2026-01-01", **price}]
    [entry] = read_mapping(plan).offerings
    [remark] = remarks(offering=entry.offering)
    assert remark.startswith("plan/voice from 2026-01-01: ")
    assert message in remark


def test_names_that_are_no_texts_are_named_beside_those_that_are() -> None:
    plan = copy.deepcopy(PLAN)
    plan["offerings"][0].update({5: 1, None: 2, "other": 3})
    with pytest.raises(InvalidInput) as refused:
        read_mapping(plan)
    assert all(f"plan: {name}: is not a known field" in str(refused.value) for name in ("5", "None", "other"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("offerings: []\nprice_lists: {a: []}\nofferings: []\n", "a.yaml: line 3: offerings stands twice"),
        ("offerings: [{id: x, prices: [{minimum: 060}]}]", "a.yaml: line 1: 060 is read as another number"),
        ("offerings: &a [*a]", "a.yaml: line 1: holds itself"),
    ],
)
def test_a_file_that_yaml_reads_as_something_else_is_a_fault(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    with pytest.raises(InvalidInput, match=said):
        read_directory(tmp_path)
