"""The API as the published files say it, for those who may."""

import os
import re
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import pytest
import yaml

from fixtures.not_run import not_run
from fixtures.sites import NOW, Browser, World
from hoeksteen.billing import queries as billing
from hoeksteen.interfaces.api.gaps import GAPS
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.party.model import Customer
from hoeksteen.product import queries as product
from hoeksteen.receivables import operations
from hoeksteen.receivables import queries as receivables

CUSTOMERS, PRODUCTS, BILLS = (
    "/tmf-api/customer/v5/customer",
    "/tmf-api/productInventory/v5/product",
    "/tmf-api/customerBillManagement/v5/customerBill",
)
FILES = {
    "TMF629-Customer-v5.0.1.yaml": "/tmf-api/customer/v5",
    "TMF637-ProductInventory-v5.0.0.yaml": "/tmf-api/productInventory/v5",
    "TMF678-CustomerBill-v5.0.0.yaml": "/tmf-api/customerBillManagement/v5",
}
BILLING_RATES = "/tmf-api/customerBillManagement/v5/appliedCustomerBillingRate"
SERVED = {(f"/{name}{rest}", "get") for name in ("customer", "product", "customerBill", "appliedCustomerBillingRate") for rest in ("", "/{id}")}


class Client:
    def __init__(self, world: World, actor: str, ticket: str = "") -> None:
        self._browser = Browser(world.hosts, "api")
        token = world.keeper.session(actor, "api").token
        self._headers = {"authorization": f"Bearer {token}", **({"x_ticket": ticket} if ticket else {})}

    def get(self, path: str) -> Any:
        return self._browser.get(path, **self._headers)


def of(customer: Customer, path: str) -> str:
    return f"{path}?relatedParty.partyOrPartyRole.id={customer.customer_id}"


def published(name: str) -> dict[str, Any]:
    folder = os.environ.get("HOEKSTEEN_REFERENCE", "")
    if not folder:
        not_run("the API against the published specifications", install="the TM Forum files, and name their folder in HOEKSTEEN_REFERENCE")
    return yaml.safe_load((Path(folder) / "specs/tmf" / name).read_text("utf-8"))


def by_type(node: Any) -> Any:
    """Let `@type` choose among alternatives, as OpenAPI's discriminator does and JSON Schema does not."""
    if isinstance(node, list):
        return [by_type(one) for one in node]
    if not isinstance(node, dict):
        return node
    rest = {name: by_type(value) for name, value in node.items() if name not in ("oneOf", "discriminator")}
    mapping = node.get("discriminator", {}).get("mapping", {})
    if "oneOf" not in node or not mapping:
        return {**rest, **({"oneOf": by_type(node["oneOf"])} if "oneOf" in node else {})}
    chosen = [{"if": {"properties": {"@type": {"const": name}}}, "then": {"$ref": place}} for name, place in mapping.items()]
    return {**rest, "allOf": [*rest.get("allOf", []), {"properties": {"@type": {"enum": list(mapping)}}, "required": ["@type"]}, *chosen]}


def check(document: dict[str, Any], schema: str, resource: dict[str, Any]) -> None:
    """Validate against the file's own schema, and refuse attributes that it does not know."""
    components = by_type(document["components"])
    jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": components}).validate(resource)
    assert set(resource) <= known(document, schema), set(resource) - known(document, schema)


def known(document: dict[str, Any], schema: str) -> set[str]:
    found = document["components"]["schemas"][schema]
    parts = [found, *found.get("allOf", ())]
    own = {name for part in parts for name in part.get("properties", ())}
    return own.union(*(known(document, part["$ref"].rpartition("/")[2]) for part in parts if "$ref" in part))


def test_a_token_is_needed_and_it_must_be_this_apis(world: World) -> None:
    stranger = world.browser("api")
    assert stranger.get(CUSTOMERS).status_code == 401
    assert stranger.get(CUSTOMERS, authorization="Bearer nonsense").status_code == 401
    borrowed = stranger.get(CUSTOMERS, authorization=f"Bearer {world.keeper.session('anna.dekker').token}")
    assert borrowed.status_code == 401
    assert borrowed.json()["@type"] == "Error"
    assert borrowed.headers["www-authenticate"].startswith("Bearer")


def test_a_page_of_customers_is_206(world: World) -> None:
    made = [world.customer() for _ in range(3)]
    client = Client(world, "bram.visser")
    first = client.get(f"{CUSTOMERS}?limit=2&fields=status")
    assert (first.status_code, first.headers["x-total-count"], first.headers["x-result-count"]) == (206, "3", "2")
    rest = client.get(f"{CUSTOMERS}?limit=2&offset=2&fields=status")
    assert {one["id"] for one in first.json() + rest.json()} == {str(one.customer_id) for one in made}
    assert set(first.json()[0]) == {"id", "href", "@type", "status"}


def test_personal_attributes_are_shown_for_a_purpose_and_else_named(world: World) -> None:
    customer = world.customer(surname="Apix")
    path = f"{CUSTOMERS}/{customer.customer_id}"
    masked = Client(world, "anna.dekker").get(path).json()
    assert "name" not in masked
    assert {"maskedAttributes": "name,contactMedium,paymentMethod"}.items() <= {one["name"]: one["value"] for one in masked["characteristic"]}.items()
    shown = Client(world, "anna.dekker", ticket="CARE-9").get(path).json()
    assert shown["name"] == "Johanna van den Apix"
    assert {medium["@type"] for medium in shown["contactMedium"]} == {"GeographicAddressContactMedium", "PhoneContactMedium", "EmailContactMedium"}
    assert shown["paymentMethod"][0]["name"] == "••••4300"


def test_no_personal_attribute_asked_for_means_no_entry_in_the_log(world: World) -> None:
    customer = world.customer()
    client = Client(world, "bram.visser")
    client.get(f"{CUSTOMERS}/{customer.customer_id}?fields=status")
    seen = world.keeper.client("dewi.hoekstra").did_see(subject=customer.party_id)
    assert "bram.visser" not in {entry["actor"] for entry in seen if entry["action"] == "reveal"}


def test_products_are_listed_per_customer(world: World) -> None:
    customer = world.customer()
    client = Client(world, "bram.visser")
    listed = client.get(of(customer, PRODUCTS))
    assert listed.status_code == 200
    assert {one["name"] for one in listed.json()} == {"Mobile M", "Internet 500"}
    again = client.get(f"{PRODUCTS}/{listed.json()[0]['id']}").json()
    assert again == listed.json()[0]
    assert client.get(PRODUCTS).status_code == 400


def test_bills_are_listed_per_customer(world: World) -> None:
    customer = world.customer()
    client = Client(world, "bram.visser")
    assert client.get(of(customer, BILLS)).json() == []
    assert client.get(f"{BILLS}/01890000-0000-7000-8000-000000000000").status_code == 404


def test_a_bill_says_what_is_left_to_pay(world: World) -> None:
    customer = world.customer(start_day=date(2026, 10, 1))
    world.bill(date(2026, 10, 1))
    client = Client(world, "bram.visser")
    [bill] = client.get(of(customer, BILLS)).json()
    assert (bill["state"], bill["amountDue"], bill["remainingAmount"]) == ("sent", {"unit": "EUR", "value": 138}, {"unit": "EUR", "value": 138})
    assert client.get(f"{BILLS}/{bill['id']}").json() == bill
    assert set(client.get(f"{BILLS}/{bill['id']}?fields=billNo").json()) == {"id", "href", "@type", "billNo"}
    with world.database.transaction() as tx:
        [open_item] = receivables.open_items(tx=tx, customer_id=customer.customer_id)
        operations.register_payment(
            tx=tx,
            customer_id=customer.customer_id,
            billing_account_id=open_item.billing_account_id,
            amount=open_item.amount,
            received_on=date(2026, 11, 5),
            reference=bill["billNo"],
            now=NOW,
            identifiers=Identifiers(Random(4)),
        )
    assert client.get(f"{BILLS}/{bill['id']}").json()["state"] == "settled"


def test_a_data_subject_has_their_own_only(world: World) -> None:
    mine, other = world.customer(start_day=date(2026, 10, 1)), world.customer(start_day=date(2026, 10, 1))
    world.bill(date(2026, 10, 1))
    world.keeper.add_customer(f"api{mine.customer_number}", mine.party_id)
    client = Client(world, f"api{mine.customer_number}")
    assert [one["id"] for one in client.get(CUSTOMERS).json()] == [str(mine.customer_id)]
    assert client.get(f"{CUSTOMERS}/{other.customer_id}").status_code == 404
    assert client.get(of(other, PRODUCTS)).status_code == client.get(of(other, BILLS)).status_code == 404
    assert client.get(f"{CUSTOMERS}/{mine.customer_id}").json()["name"].startswith("Johanna")
    assert len(client.get(of(mine, PRODUCTS)).json()) == 2 and len(client.get(of(mine, BILLS)).json()) == 1
    with world.database.transaction() as tx:
        [theirs] = billing.bills_of(tx=tx, customer_id=other.customer_id)
        [own] = billing.bills_of(tx=tx, customer_id=mine.customer_id)
        not_theirs, *_ = product.products_held(tx=tx, customer_id=other.customer_id, at=NOW)
        held, *_ = product.products_held(tx=tx, customer_id=mine.customer_id, at=NOW)
    assert client.get(f"{PRODUCTS}/{not_theirs.product_id}").status_code == 404
    assert client.get(f"{PRODUCTS}/{held.product_id}").status_code == 200
    assert client.get(f"{BILLS}/{theirs.customer_bill_id}").status_code == 404
    assert client.get(f"{BILLS}/{own.customer_bill_id}").status_code == 200


@pytest.mark.parametrize("who", ["m.tan", "chris.smit", "dewi.hoekstra", "emma.bakker"])
def test_a_role_without_a_purpose_reads_no_customer(world: World, who: str) -> None:
    """The vendor's technician, and whoever only watches: no list, no product, no bill, whichever id they know."""
    one = world.customer(start_day=date(2026, 10, 1))
    world.bill(date(2026, 10, 1))
    client = Client(world, who)
    with world.database.transaction() as tx:
        [bill] = billing.bills_of(tx=tx, customer_id=one.customer_id)
        held, *_ = product.products_held(tx=tx, customer_id=one.customer_id, at=NOW)
    nothing = "01890000-0000-7000-8000-000000000000"
    for path in (CUSTOMERS, f"{CUSTOMERS}/{one.customer_id}", of(one, PRODUCTS), f"{PRODUCTS}/{held.product_id}", of(one, BILLS),
                 f"{BILLS}/{bill.customer_bill_id}", f"{CUSTOMERS}/{nothing}", f"{PRODUCTS}/{nothing}", f"{BILLS}/{nothing}"):  # fmt: skip
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "access_denied"), path


def test_what_breaks_is_logged_without_its_words(world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise ValueError("Jan van den Berg, 0612345678")

    monkeypatch.setattr("hoeksteen.interfaces.api.app.party.count", broken)
    answer = Client(world, "bram.visser").get(CUSTOMERS)
    assert answer.status_code == 500
    [number] = re.findall(r"incident ([0-9a-f]{8})", answer.text)
    assert f"incident {number}: ValueError in" in caplog.text
    assert "Berg" not in caplog.text + answer.text


def test_a_longer_list_costs_no_more_statements(world: World) -> None:
    one = world.customer(start_day=date(2026, 9, 1))
    client, costs = Client(world, "bram.visser"), []
    for month in (9, 10):
        world.bill(date(2026, month, 1))
        costs.append([])
        for path in (f"{CUSTOMERS}?fields=status", of(one, BILLS), of(one, PRODUCTS)):
            with world.counting() as statements:
                assert client.get(path).status_code == 200
            costs[-1].append(len(statements))
        world.customer()
    assert costs[0] == costs[1]


def test_the_lines_of_a_bill_name_the_account_that_made_them(world: World) -> None:
    customer = world.customer(start_day=date(2026, 10, 1))
    world.bill(date(2026, 10, 1))
    client = Client(world, "bram.visser")
    (bill,) = client.get(of(customer, BILLS)).json()
    lines = client.get(f"{BILLING_RATES}?bill.id={bill['id']}").json()
    assert round(sum(line["taxExcludedAmount"]["value"] for line in lines), 2) == bill["taxExcludedAmount"]["value"]
    assert {line["billingAccount"]["id"] for line in lines} == {bill["billingAccount"]["id"]}, "departments would be named here"
    assert client.get(lines[0]["href"]).json() == lines[0]
    assert client.get(f"{BILLING_RATES}/{bill['id']}.99").status_code == 404
    assert client.get(BILLING_RATES).status_code == 400
    assert client.get(f"{BILLING_RATES}?bill.id=01890000-0000-7000-8000-000000000000").status_code == 404


@pytest.mark.parametrize("query", ["?limit=0", "?offset=x", "?colour=red", "?limit=1000"])
def test_a_wrong_query_is_400(world: World, query: str) -> None:
    answer = Client(world, "bram.visser").get(CUSTOMERS + query)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"


def test_what_is_not_served_says_so(world: World) -> None:
    browser = world.browser("api")
    assert browser._ask("POST", "/tmf-api/customer/v5/customer", {}, {}).status_code == 501
    assert browser.get("/tmf-api/customerBillManagement/v5/billCycle").json()["code"] == "notImplemented"
    assert browser.get("/tmf-api/nothing/v1/thing").status_code == 404
    assert browser._ask("PUT", "/tmf-api/customer/v5/customer", {}, {}).status_code == 405


@pytest.mark.parametrize("name", FILES)
def test_every_path_of_the_published_file_is_served_or_a_named_gap(name: str) -> None:
    document, gaps = published(name), GAPS[FILES[name]]
    for path, item in document["paths"].items():
        for method in set(item) & {"get", "post", "put", "patch", "delete"}:
            assert (path, method) in SERVED or method.upper() in gaps.get(path, ()), f"{method} {path}"


def test_answers_follow_the_published_schemas(world: World) -> None:
    customer = world.customer(start_day=date(2026, 10, 1))
    for actor, ticket in (("bram.visser", ""), ("anna.dekker", ""), ("anna.dekker", "CARE-1")):
        document = published("TMF629-Customer-v5.0.1.yaml")
        for resource in Client(world, actor, ticket).get(CUSTOMERS).json():
            check(document, "Customer", resource)
    document = published("TMF637-ProductInventory-v5.0.0.yaml")
    for resource in Client(world, "bram.visser").get(of(customer, PRODUCTS)).json():
        check(document, "Product", resource)
    world.bill(date(2026, 10, 1))
    bills = published("TMF678-CustomerBill-v5.0.0.yaml")
    listed = Client(world, "bram.visser").get(of(customer, BILLS)).json()
    assert listed
    for resource in listed:
        check(bills, "CustomerBill", resource)
    for resource in Client(world, "bram.visser").get(f"{BILLING_RATES}?bill.id={listed[0]['id']}").json():
        check(bills, "AppliedCustomerBillingRate", resource)
    check(document, "Error", Client(world, "bram.visser").get(PRODUCTS).json())
