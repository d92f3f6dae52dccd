"""What every site of ours is made of: its pages, its log-in through the keeper, and its guard against forged changes."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.enums import MediaType

from hoeksteen.billing.wording import line_text
from hoeksteen.disclosure import KeeperClient, Session
from hoeksteen.interfaces.runtime import Runtime
from hoeksteen.interfaces.web.assets import Assets
from hoeksteen.interfaces.web.words import LANGUAGES, Words, chosen_language, grouped_iban, personal_name, spaced_postcode, words
from hoeksteen.kernel.errors import AccessDenied, InvalidInput

LANGUAGE_COOKIE = "language"
Web = Request[Any, Any, Any]


class LogInNeeded(Exception):
    """Nobody is logged in, or the keeper ended the session."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a form sent; a field that is missing is empty."""

    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "").strip()

    def day(self, name: str) -> date:
        """
        Give a day that was typed or picked.

        :raises InvalidInput: when it is none
        """
        try:
            return date.fromisoformat(self[name])
        except ValueError:
            raise InvalidInput(f"The field {name} is not a day.", remedy="Write it as 2026-12-31.", field=name) from None


@dataclass(frozen=True, slots=True)
class Site:
    """
    One site: the staff's desk, or the customers' own pages.

    :param name: of its package, its cookies and the keeper's service
    :param origin: scheme, host and port that browsers see
    """

    name: str
    origin: str
    runtime: Runtime
    assets: Assets
    environments: dict[str, Environment]

    @property
    def session_cookie(self) -> str:
        return f"{self.name}_session"

    @property
    def secure(self) -> bool:
        """Whether cookies may travel encrypted only; on this machine alone they need not."""
        return self.origin.startswith("https:")

    def render(self, template: str, visitor: "Visitor", **values: Any) -> str:
        """Give a template's HTML in the visitor's language."""
        page = self.environments[visitor.words.language].get_template(template)
        return page.render(visitor=visitor, site=self, path=visitor.path, asset=self.assets.address, **values)


@dataclass(frozen=True, slots=True)
class Visitor:
    """
    Whoever asks for a page, logged in or not.

    :param csrf: what each form sends back, so that no other site can make a change in their name
    """

    site: Site
    words: Words
    now: datetime
    path: str
    partial: bool
    session: Session | None = None
    csrf: str = ""

    def page(self, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any) -> Response[str]:
        """Answer with a page, or with the part of it that the browser asked for."""
        return Response(self.site.render(template, self, **values), status_code=status, media_type=MediaType.HTML, headers=headers)


@dataclass(frozen=True, slots=True)
class Visit(Visitor):
    """Somebody who is logged in."""

    @property
    def person(self) -> Session:
        if self.session is None:
            raise LogInNeeded
        return self.session

    @property
    def runtime(self) -> Runtime:
        return self.site.runtime

    @property
    def keeper(self) -> KeeperClient:
        """The keeper as this person sees it: they are the actor, the site is the medium."""
        return self.site.runtime.keeper.as_actor(self.person.token)

    @property
    def subject(self) -> UUID | None:
        """The person whose own data a data subject may see."""
        return self.person.subject

    def may(self, *roles: str) -> bool:
        """Say whether the person holds one of these roles."""
        return bool(set(roles) & set(self.person.roles))

    def require(self, *roles: str) -> None:
        """
        Refuse what the person's work does not include.

        :raises AccessDenied: with the reason `no_role`
        """
        if not self.may(*roles):
            raise AccessDenied("Your role does not include this.", reason="no_role", remedy="Ask a colleague whose work it is.")


def environments(site: str) -> dict[str, Environment]:
    """Give the templates of a site, its own and the shared ones, in each language."""
    made: dict[str, Environment] = {}
    for language in LANGUAGES:
        own, shared = PackageLoader(f"hoeksteen.interfaces.{site}"), PackageLoader("hoeksteen.interfaces.web")
        environment = Environment(
            loader=PrefixLoader({site: own, "web": shared}), extensions=["jinja2.ext.i18n"], autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        said = words(language)
        environment.install_gettext_translations(said.translations, newstyle=True)  # type: ignore[attr-defined]  # made by the extension
        environment.globals.update(words=said, line_text=partial(line_text, language=language))
        environment.filters.update(
            {
                "money": said.money,
                "number": said.number,
                "percent": said.percent,
                "signed": said.signed,
                "day": said.day,
                "month": said.month,
                "instant": said.instant,
            },
            minute=said.minute,
            iso_day=said.iso_day,
            phone=said.phone,
            iban=grouped_iban,
            postcode=spaced_postcode,
            personal_name=personal_name,
        )
        made[language] = environment
    return made


def csrf_of(token: str) -> str:
    """Give the value that only pages made for this session know."""
    return hmac.new(token.encode(), b"hoeksteen form", hashlib.sha256).hexdigest()


def visitor_of(site: Site, request: ASGIConnection[Any, Any, Any, Any]) -> Visitor:
    """Give whoever asks, without asking who they are."""
    language = chosen_language(cookie=request.cookies.get(LANGUAGE_COOKIE), accepted=request.headers.get("accept-language", ""))
    return Visitor(site, words(language), site.runtime.clock.now(), request.scope["path"], request.headers.get("hx-request") == "true")
