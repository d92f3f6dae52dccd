"""The shape of every answer: TM Forum REST (TMF630) collections, attribute selection and errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response

from hoeksteen.kernel.errors import InvalidInput

LIMIT_DEFAULT = 20
LIMIT_MAX = 100
# a Decimal becomes the JSON number that it is, and never passes through a float
_JSON = msgspec.json.Encoder(decimal_format="number")
_ALWAYS = ("id", "href", "@type")
_PAGING = frozenset({"fields", "offset", "limit"})


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What a GET on a collection asks for.

    :param fields: first-level attributes; None for all of them
    :param filters: attribute → value, among those that the resource knows
    """

    fields: frozenset[str] | None
    offset: int
    limit: int
    filters: Mapping[str, str]


def read_asked(query: Mapping[str, str], *, filters: Sequence[str] = ()) -> Asked:
    """
    Read the query of a collection.

    :param filters: the attributes that the collection can be filtered by
    :raises InvalidInput: when a number is none, or an attribute cannot be filtered by
    """
    unknown = sorted(set(query) - _PAGING - set(filters))
    if unknown:
        raise InvalidInput(f"This collection cannot be filtered by {unknown[0][:40]}.", remedy=f"It can by: {', '.join(filters) or 'nothing'}.")
    limit = _number(query.get("limit", str(LIMIT_DEFAULT)), "limit", 1, LIMIT_MAX)
    offset = _number(query.get("offset", "0"), "offset", 0, None)
    return Asked(read_fields(query), offset, limit, {name: query[name] for name in filters if name in query})


def read_fields(query: Mapping[str, str]) -> frozenset[str] | None:
    """Read `fields=a,b`; `none` selects only what is always there."""
    text = query.get("fields")
    return None if text is None else frozenset(part.strip() for part in text.split(",")) - {"none"}


def selected(resource: dict[str, Any], fields: frozenset[str] | None) -> dict[str, Any]:
    """Give the chosen first-level attributes; `id`, `href` and `@type` are always there."""
    if fields is None:
        return resource
    return {name: value for name, value in resource.items() if name in fields or name in _ALWAYS}


def single(resource: dict[str, Any], fields: frozenset[str] | None) -> Response[bytes]:
    """Answer with one resource."""
    return Response(_JSON.encode(selected(resource, fields)), media_type="application/json")


def many(resources: Sequence[dict[str, Any]], *, asked: Asked, total: int, path: str) -> Response[bytes]:
    """Answer with a page of a collection: 206 when there is more than this page, else 200."""
    body = _JSON.encode([selected(resource, asked.fields) for resource in resources])
    whole = asked.offset == 0 and len(resources) >= total
    headers = {"X-Total-Count": str(total), "X-Result-Count": str(len(resources)), "Link": _links(asked, total, path)}
    return Response(body, status_code=200 if whole else 206, media_type="application/json", headers=headers)


def failure(status: int, code: str, reason: str, message: str = "") -> Response[bytes]:
    """Answer with TM Forum's Error."""
    body: dict[str, Any] = {"@type": "Error", "code": code, "reason": reason, "status": str(status)}
    if message:
        body["message"] = message
    headers = {"WWW-Authenticate": 'Bearer realm="tmf-api"'} if status == 401 else {}
    return Response(_JSON.encode(body), status_code=status, media_type="application/json", headers=headers)


def _links(asked: Asked, total: int, path: str) -> str:
    last = max(0, (total - 1) // asked.limit * asked.limit)
    places = {"first": 0, "last": last}
    if asked.offset > 0:
        places["prev"] = max(0, asked.offset - asked.limit)
    if asked.offset + asked.limit < total:
        places["next"] = asked.offset + asked.limit
    kept = dict(asked.filters) | ({} if asked.fields is None else {"fields": ",".join(sorted(asked.fields)) or "none"})
    return ", ".join(f'<{path}?{urlencode({**kept, "offset": offset, "limit": asked.limit})}>; rel="{name}"' for name, offset in places.items())


def _number(text: str, name: str, least: int, most: int | None) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < least or (most is not None and int(text) > most):
        bounds = f"{least} or more" if most is None else f"{least} to {most}"
        raise InvalidInput(f"The parameter {name} must be {bounds}.", remedy="Correct it.")
    return int(text)
