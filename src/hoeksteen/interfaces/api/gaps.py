"""What the published specifications have and this API does not serve yet: answered 501, and listed here."""

from typing import Any

from litestar import Response, route
from litestar.enums import HttpMethod
from litestar.handlers import BaseRouteHandler

from hoeksteen.interfaces.api.answers import failure

_HUB = {"/hub": ("POST",), "/hub/{id}": ("DELETE", "GET")}
GAPS: dict[str, dict[str, tuple[str, ...]]] = {
    "/tmf-api/customer/v5": {
        "/customer": ("POST",),
        "/customer/{id}": ("PATCH", "DELETE"),
        "/listener/customerAttributeValueChangeEvent": ("POST",),
        "/listener/customerCreateEvent": ("POST",),
        "/listener/customerDeleteEvent": ("POST",),
        "/listener/customerStateChangeEvent": ("POST",),
        **_HUB,
    },
    "/tmf-api/customerBillManagement/v5": {
        "/customerBill/{id}": ("PATCH",),
        "/billCycle": ("GET",),
        "/billCycle/{id}": ("GET",),
        "/customerBillOnDemand": ("GET", "POST"),
        "/customerBillOnDemand/{id}": ("GET",),
        "/listener/customerBillCreateEvent": ("POST",),
        "/listener/customerBillOnDemandCreateEvent": ("POST",),
        "/listener/customerBillOnDemandStateChangeEvent": ("POST",),
        "/listener/customerBillStateChangeEvent": ("POST",),
        **_HUB,
    },
    "/tmf-api/productInventory/v5": {
        "/product": ("POST",),
        "/product/{id}": ("PATCH", "DELETE"),
        "/listener/productAttributeValueChangeEvent": ("POST",),
        "/listener/productCreateEvent": ("POST",),
        "/listener/productDeleteEvent": ("POST",),
        "/listener/productProductBatchEvent": ("POST",),
        "/listener/productStateChangeEvent": ("POST",),
        **_HUB,
    },
}


def gap_routes() -> list[BaseRouteHandler]:
    """Give a handler for each gap, so that a caller learns that it is one."""
    return [_gap(base + path, methods) for base, paths in GAPS.items() for path, methods in paths.items()]


def _gap(path: str, methods: tuple[str, ...]) -> BaseRouteHandler:
    @route(path.replace("{id}", "{resource_id:str}"), http_method=[HttpMethod(method) for method in methods], sync_to_thread=False, status_code=501)
    def gap() -> Response[Any]:
        return failure(501, "notImplemented", "This operation of the specification is not served yet.")

    return gap
