"""The files that pages load: our own style and script, and what set-up fetched from npm. Never anything from elsewhere."""

import hashlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from hoeksteen.kernel.errors import NotFound, Unavailable

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_NEEDED = ("app.css", "app.js", "mark.svg", "vendor/htmx.min.js")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, their type, and the version that its address carries."""

    content: bytes
    media_type: str
    version: str


class Assets:
    """
    Every file of `interfaces/static`, in memory.

    :raises Unavailable: when set-up did not fetch what the pages need
    """

    def __init__(self) -> None:
        self._files = _read(resources.files("hoeksteen.interfaces").joinpath("static"), "")
        missing = [name for name in _NEEDED if name not in self._files]
        if missing:
            raise Unavailable(f"The front-end asset {missing[0]} is not there.", remedy="Run `make setup`, which fetches it.")

    def address(self, name: str) -> str:
        """Give the address of a file; it changes with its content, so that browsers may keep it for ever."""
        return f"/static/{self._files[name].version}/{name}"

    def route(self) -> HTTPRouteHandler:
        """Give the handler that serves the files."""

        @get("/static/{version:str}/{name:path}", sync_to_thread=False)
        def asset(version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
            found = self._files.get(str(name).lstrip("/"))
            if found is None or found.version != version:
                raise NotFound("There is no such file.", remedy="Load the page again.")
            return Response(found.content, media_type=found.media_type, headers={"Cache-Control": "public, max-age=31536000, immutable"})

        return asset


def _read(folder: Traversable, prefix: str) -> dict[str, Asset]:
    found: dict[str, Asset] = {}
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            found |= _read(entry, f"{name}/")
        elif (media_type := _TYPES.get(f".{entry.name.rpartition('.')[2]}")) is not None:
            content = entry.read_bytes()
            found[name] = Asset(content, media_type, hashlib.sha256(content).hexdigest()[:12])
    return found
