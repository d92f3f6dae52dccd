"""The staff's desk as one application."""

from litestar import Litestar

from hoeksteen.interfaces.desk import bills, changing, customers, doubtful, evidence, finding, receivables, running, suspended, usage
from hoeksteen.interfaces.runtime import Runtime
from hoeksteen.interfaces.web.assets import Assets
from hoeksteen.interfaces.web.sites import site_application


def desk_application(*, runtime: Runtime, assets: Assets) -> Litestar:
    """
    Make the desk.

    :param runtime: opened as the service `desk`
    :raises Unavailable: when set-up did not fetch the assets or compile the translations
    """
    parts = (finding, customers, changing, evidence, bills, running, usage, suspended, receivables, doubtful)
    handlers = [handler for part in parts for handler in part.HANDLERS]
    return site_application(name="desk", origin=runtime.settings.desk_origin, runtime=runtime, assets=assets, handlers=handlers)
