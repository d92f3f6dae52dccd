"""Collections as TMF630 wants them."""

import json
import re

import pytest

from hoeksteen.interfaces.api.answers import LIMIT_MAX, failure, many, read_asked, read_fields, selected, single
from hoeksteen.kernel.errors import InvalidInput

THINGS = [{"id": str(n), "href": f"/things/{n}", "@type": "Thing", "name": f"n{n}", "size": n} for n in range(50)]


def page(query: dict[str, str]):
    asked = read_asked(query)
    return many(THINGS[asked.offset : asked.offset + asked.limit], asked=asked, total=len(THINGS), path="/things")


def links(response) -> dict[str, str]:
    return {name: address for address, name in re.findall(r'<([^>]+)>; rel="(\w+)"', response.headers["Link"])}


def test_a_page_of_more_is_206_and_points_onwards() -> None:
    response = page({"offset": "20", "limit": "20"})
    assert response.status_code == 206
    assert (response.headers["X-Total-Count"], response.headers["X-Result-Count"]) == ("50", "20")
    assert links(response) == {
        "first": "/things?offset=0&limit=20",
        "prev": "/things?offset=0&limit=20",
        "next": "/things?offset=40&limit=20",
        "last": "/things?offset=40&limit=20",
    }


def test_a_whole_collection_is_200() -> None:
    response = page({"limit": "50"})
    assert response.status_code == 200
    assert set(links(response)) == {"first", "last"}


def test_the_last_page_is_still_only_a_part() -> None:
    response = page({"offset": "40"})
    assert response.status_code == 206
    assert "next" not in links(response)


def test_fields_select_attributes_and_always_keep_what_identifies() -> None:
    assert selected(THINGS[3], read_fields({"fields": "name"})) == {"id": "3", "href": "/things/3", "@type": "Thing", "name": "n3"}
    assert set(selected(THINGS[3], read_fields({"fields": "none"}))) == {"id", "href", "@type"}
    assert selected(THINGS[3], read_fields({})) == THINGS[3]


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": str(LIMIT_MAX + 1)}, {"offset": "-1"}, {"limit": "x"}, {"offset": "1e3"}, {"colour": "red"}]
)
def test_a_wrong_query_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        read_asked(query)


def test_a_filter_that_the_collection_knows_stays_in_the_links() -> None:
    asked = read_asked({"colour": "red", "limit": "1"}, filters=["colour"])
    assert "colour=red" in many(THINGS[:1], asked=asked, total=2, path="/things").headers["Link"]


def test_money_never_becomes_a_float() -> None:
    from decimal import Decimal

    assert single({"value": Decimal("0.10")}, None).content == b'{"value":0.10}'


def test_an_error_has_the_shape_of_the_standard() -> None:
    response = failure(401, "unauthorized", "A bearer token is needed.")
    assert json.loads(response.content) == {"@type": "Error", "code": "unauthorized", "reason": "A bearer token is needed.", "status": "401"}
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
