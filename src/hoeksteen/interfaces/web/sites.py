"""Making a site: its own handlers between the log-in, the guards and the failures that all sites share."""

from collections.abc import Sequence
from copy import copy

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler

from hoeksteen.interfaces.runtime import Runtime
from hoeksteen.interfaces.web.assets import Assets
from hoeksteen.interfaces.web.failures import failure_handlers
from hoeksteen.interfaces.web.login import login_routes, refuse_forged, visit_of
from hoeksteen.interfaces.web.site import Form, Site, Visit, Web, environments

FORM_BYTES_MAX = 64 * 1024


def registered_once(handlers: Sequence[BaseRouteHandler]) -> Router:
    """
    Give the handlers in one router, each a copy of its own.

    Litestar 2.25 registers a handler anew when a second one of the same path follows, and wraps it twice; a router groups them by path first.
    It also changes a handler when it registers it, so that one application must not share it with the next.
    """
    return Router("/", route_handlers=[copy(handler) for handler in handlers])


def site_application(*, name: str, origin: str, runtime: Runtime, assets: Assets, handlers: Sequence[BaseRouteHandler]) -> Litestar:
    """
    Make a site of a package that has `templates`.

    Each handler that takes `visit` is for people who are logged in; each change is refused unless a page of this site made it.

    :param name: of the package in `interfaces`, of its cookies, and of the keeper's service
    """
    site = Site(name, origin, runtime, assets, environments(name))

    def visit(request: Web) -> Visit:
        return visit_of(site, request)

    async def form(request: Web) -> Form:
        return Form({field: value for field, value in (await request.form()).items() if isinstance(value, str)})

    async def guard(request: Web) -> None:
        await refuse_forged(site, request)

    return Litestar(
        route_handlers=[registered_once([*handlers, *login_routes(site), assets.route()])],
        dependencies={"visit": Provide(visit, sync_to_thread=True), "form": Provide(form)},
        before_request=guard,
        exception_handlers=failure_handlers(site),
        request_max_body_size=FORM_BYTES_MAX,
        openapi_config=None,
        logging_config=None,
    )
