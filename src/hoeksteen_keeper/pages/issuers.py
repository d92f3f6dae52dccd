"""
Identity providers of the operator's own (OpenID Connect Core 1.0, Authorization Code with PKCE): which there are, and what they say of somebody.

What an issuer says is believed only in a token that it signed for this keeper, for this log-in of this browser, with an algorithm of ours and a key
that it publishes. It says who logged in; what they may, the keeper knows.
"""

import base64
import ssl
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from hoeksteen_keeper.errors import KeeperError, KeeperInvalid, KeeperRefused, KeeperUnavailable
from hoeksteen_keeper.vault.providers.shared import read_word

FILE = "issuers.toml"
ALGORITHMS = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
TIMEOUT_SECONDS, ANSWER_SECONDS_MAX, ANSWER_BYTES_MAX = 5.0, 10.0, 256 << 10
METADATA_SECONDS, KEYS_SECONDS, REFETCH_SECONDS = 3600.0, 600.0, 30.0
RSA_BITS_MIN = 2048
_TOKENS = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
_LOOPBACK = "127.0.0.1"
Key = RSAKey | ECKey | OKPKey


class Issuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    An identity provider, as `issuers.toml` names it.

    :param name: in the keeper's addresses, `/login/issuer/NAME/back`
    :param label: on the button
    :param issuer: its identifier, whose `/.well-known/openid-configuration` says the rest
    :param client_secret_file: readable by the keeper's OS user alone; read anew at each log-in
    :param actor_claim: what of the token is linked to an actor
    :param strong_acr: with these values of `acr` a log-in counts as a fresh proof, or with one of `strong_amr` in `amr`; none without it
    :param ca_file: the authority that signed its certificate; without it those that the machine trusts
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,40}$")]
    issuer: str
    client_id: Annotated[str, msgspec.Meta(min_length=1)]
    client_secret_file: str
    label: str = ""
    actor_claim: Annotated[str, msgspec.Meta(min_length=1)] = "sub"
    strong_acr: tuple[str, ...] = ()
    strong_amr: tuple[str, ...] = ()
    leeway_seconds: Annotated[int, msgspec.Meta(ge=0, le=300)] = 30
    ca_file: str = ""

    @property
    def proves_afresh(self) -> bool:
        """Say whether a log-in there may count as a fresh proof."""
        return bool(self.strong_acr or self.strong_amr)


@dataclass(frozen=True, slots=True)
class Said:
    """
    What an issuer says, in a token that it signed.

    :param fault: the claim by which the token is not for this log-in; empty where it is
    """

    subject: str
    strong: bool
    fault: str = ""


class Metadata(msgspec.Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


def read_issuers(home: Path) -> list[Issuer]:
    """:raises KeeperInvalid: `issuers_invalid`, when the file is not of its form"""
    path = home / FILE
    if not path.exists():
        return []
    try:
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8"))["issuer"], list[Issuer])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, msgspec.ValidationError) as error:
        raise KeeperInvalid("issuers_invalid", f"{path} lists identity providers as [[issuer]] (docs/operations.md): {error}.") from error
    if len({one.name for one in found}) < len(found) or len({one.issuer for one in found}) < len(found):
        raise KeeperInvalid("issuers_invalid", f"{path} names an issuer twice.")
    for one in found:
        if not _secure(one.issuer, plain=_is_loopback(one.issuer)) or urlsplit(one.issuer).query:
            raise KeeperInvalid("issuers_invalid", f"{path}: the issuer {one.name} begins with https://; http://127.0.0.1 is for tests.")
    return found


class Provider:
    """
    Speaks to one issuer.

    :param now: the machine's own clock, which tokens made elsewhere are compared with
    :raises KeeperInvalid: when its authority cannot be read
    """

    def __init__(self, issuer: Issuer, *, now: Callable[[], datetime]) -> None:
        self.issuer, self._now, self._lock = issuer, now, threading.Lock()
        self._metadata: tuple[Metadata, float] | None = None
        self._keys: tuple[Mapping[str, Key], float] | None = None
        try:
            self._tls = ssl.create_default_context(cafile=issuer.ca_file or None)
        except OSError as error:
            raise KeeperInvalid("issuers_invalid", f"{issuer.ca_file} holds no certificate authority that can be read.") from error

    def begins(self, *, redirect_uri: str, state: str, nonce: str, verifier: str, afresh: bool) -> str:
        """
        Give where the browser goes to log in.

        :param afresh: have the issuer ask again, whoever is logged in there
        :raises KeeperUnavailable: `issuer_unreachable`
        """
        asked = {
            "response_type": "code", "scope": "openid", "client_id": self.issuer.client_id, "redirect_uri": redirect_uri, "state": state,
            "nonce": nonce, "code_challenge": _base64url(sha256(verifier.encode()).digest()), "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if afresh else {}),
        }  # fmt: skip
        address = self._known().authorization_endpoint
        return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(asked)}"

    def require_issuer(self, named: str | None) -> None:
        """
        Check the issuer that an answer names itself (RFC 9207), so that no other issuer's answer is taken for this one's.

        :raises KeeperRefused: `issuer_answer_invalid`
        """
        if (named is not None or self._known().authorization_response_iss_parameter_supported) and named != self.issuer.issuer:
            raise _invalid("another issuer answered")

    def said(self, *, code: str, verifier: str, redirect_uri: str, nonce: str, since: datetime) -> Said:
        """
        Exchange a code, and give what the token says that the issuer gave for it.

        :param since: when this log-in began; an older token is for another one
        :raises KeeperRefused: `issuer_refused` (the code is not good), or `issuer_answer_invalid` (the token is not signed by the issuer)
        :raises KeeperUnavailable: `issuer_unreachable`
        """
        metadata, secret = self._known(), self._secret()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
        basic = "client_secret_basic" in metadata.token_endpoint_auth_methods_supported
        named = f"{quote(self.issuer.client_id, safe='')}:{quote(secret, safe='')}"
        headers = {"Authorization": f"Basic {base64.b64encode(named.encode()).decode()}"} if basic else {}
        posted = form if basic else {**form, "client_id": self.issuer.client_id, "client_secret": secret}
        answer = self._fetched("POST", metadata.token_endpoint, posted, headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _invalid("there is no token in it")
        try:
            claims = jwt.decode(token, lambda header: self._key(header.headers()), registry=_TOKENS).claims
        except (JoseError, ValueError, TypeError) as error:
            raise _invalid("the token is not signed by the issuer in a way that counts") from error
        return self._read(claims, nonce, since)

    def _secret(self) -> str:
        try:
            return read_word(Path(self.issuer.client_secret_file))
        except KeeperInvalid as error:
            raise self._away(f"{self.issuer.client_secret_file} must hold the client's secret, mode 0600") from error

    def _read(self, claims: Mapping[str, Any], nonce: str, since: datetime) -> Said:
        issuer, leeway, now = self.issuer, timedelta(seconds=self.issuer.leeway_seconds), self._now()
        subject = claims.get(issuer.actor_claim)
        if claims.get("iss") != issuer.issuer or not isinstance(subject, str) or not 1 <= len(subject) <= 255:
            raise _invalid("the token is another issuer's, or says nothing of who logged in")
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        expires, issued, logged_in = (_instant(claims.get(name)) for name in ("exp", "iat", "auth_time"))
        fits = {
            "aud": issuer.client_id in audiences,
            "azp": claims.get("azp", None if len(audiences) > 1 else issuer.client_id) == issuer.client_id,
            "exp": expires is not None and now < expires + leeway,
            "iat": issued is not None and since - leeway <= issued <= now + leeway,
            "nbf": "nbf" not in claims or ((begins := _instant(claims["nbf"])) is not None and begins <= now + leeway),
            "nonce": claims.get("nonce") == nonce,
        }
        amr = claims.get("amr")
        named = claims.get("acr") in issuer.strong_acr or (isinstance(amr, list) and any(value in issuer.strong_amr for value in amr))
        fresh = logged_in is not None and since - leeway <= logged_in <= now + leeway
        return Said(subject, named and fresh, next((claim for claim, right in fits.items() if not right), ""))

    def _key(self, header: Mapping[str, Any]) -> Key:
        """Give the key that a token names; one that is not known is looked for at the issuer, but not for everybody who makes one up."""
        keys, kid = self._published(KEYS_SECONDS), header.get("kid")
        if kid is not None and kid not in keys:
            keys = self._published(REFETCH_SECONDS)
        key = next(iter(keys.values())) if kid is None and len(keys) == 1 else keys.get(str(kid))
        if key is None or key.key_type != ALGORITHMS.get(str(header.get("alg"))) or key.alg not in (None, header["alg"]):
            raise _invalid("the token names no key of the issuer")
        return key

    def _published(self, lasts: float) -> Mapping[str, Key]:
        with self._lock:
            if self._keys is None or time.monotonic() - self._keys[1] >= lasts:
                listed = self._fetched("GET", self._known().jwks_uri).get("keys")
                self._keys = _keys(listed if isinstance(listed, list) else []), time.monotonic()
            return self._keys[0]

    def _known(self) -> Metadata:
        if self._metadata is None or time.monotonic() - self._metadata[1] >= METADATA_SECONDS:
            found = self._fetched("GET", f"{self.issuer.issuer.rstrip('/')}/.well-known/openid-configuration")
            try:
                metadata = msgspec.convert(found, Metadata)
            except msgspec.ValidationError as error:
                raise self._away("what it publishes is not of its form") from error
            plain = _is_loopback(self.issuer.issuer)
            if metadata.issuer != self.issuer.issuer or not all(
                _secure(address, plain=plain) for address in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
            ):
                raise self._away("it says that it is another issuer, or names an address without TLS")
            self._metadata = metadata, time.monotonic()
        return self._metadata[0]

    def _fetched(
        self, method: str, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:  # fmt: skip
        """Fetch JSON: no proxy of the environment, no redirect, within a time and a size."""
        until = time.monotonic() + ANSWER_SECONDS_MAX
        body = bytearray()
        try:
            with (
                httpx.Client(verify=self._tls, timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False) as client,
                client.stream(method, url, data=form, headers={"Accept": "application/json", **(headers or {})}) as answer,
            ):
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > ANSWER_BYTES_MAX or time.monotonic() > until:
                        raise self._away("its answer takes too long")
                if form and 400 <= answer.status_code < 500:
                    raise KeeperRefused("issuer_refused", "The identity provider does not take this log-in: it was used, or took too long.")
                if answer.status_code != 200:
                    raise self._away(f"it answers with status {answer.status_code}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._away(type(error).__name__) from error
        try:
            parsed = msgspec.json.decode(bytes(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            raise self._away("its answer is no JSON object")
        return parsed

    def _away(self, why: str) -> KeeperError:
        return KeeperUnavailable("issuer_unreachable", f"The identity provider {self.issuer.name} cannot be used now: {why}.")


def _keys(listed: list[Any]) -> Mapping[str, Key]:
    """Give the keys that can sign, by name; what is of another kind, such as a secret that should not be there, is left out."""
    found: dict[str, Key] = {}
    for one in listed:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig" or one.get("kty") not in ALGORITHMS.values():
            continue
        try:
            key = JWKRegistry.import_key(one)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        small = isinstance(key, RSAKey) and key.public_key.key_size < RSA_BITS_MIN
        if isinstance(key, RSAKey | ECKey | OKPKey) and not small:
            found[str(one.get("kid", f"unnamed {len(found)}"))] = key
    return found


def _invalid(why: str) -> KeeperRefused:
    return KeeperRefused("issuer_answer_invalid", f"The identity provider's answer does not count: {why}.")


def _instant(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None


def _secure(url: str, *, plain: bool) -> bool:
    """Say whether an address has TLS, or is on this machine where the issuer itself is."""
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and "@" not in parts.netloc and not parts.fragment and parts.port != 0
    except ValueError:
        return False
    return named and (parts.scheme == "https" or (plain and parts.scheme == "http" and parts.hostname == _LOOPBACK))


def _is_loopback(url: str) -> bool:
    return url.startswith(f"http://{_LOOPBACK}:")


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
