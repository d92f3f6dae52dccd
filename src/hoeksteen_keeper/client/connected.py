"""What the parts of the client share: one link, and the token of whom they speak for."""

from collections.abc import Mapping
from typing import Any

from hoeksteen_keeper._link import Link

_REFERRING = frozenset({"seal", "reveal", "search"})


class Connected:
    """Speak over a link, for a person where there is a token."""

    _link: Link
    _token: str
    _within: tuple[str | None, str] = (None, "")

    def _call(self, path: str, body: Mapping[str, Any]) -> Any:
        grant, reference = self._within
        if reference and path in _REFERRING:
            body = {**body, "grant": body["grant"] or grant, "reference": reference}
        return self._link.call(path, body, self._token)
