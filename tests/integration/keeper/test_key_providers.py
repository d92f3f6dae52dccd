"""The KEK in an HSM (SoftHSM2, by PKCS#11) and in a transit service (its API as documented, over real TLS)."""

import base64
import json
import os
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fixtures.keeper import RunningKeeper, free_port, new_subject
from fixtures.softhsm import PIN, Token
from hoeksteen_keeper.client import SealItem
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid, KeeperUnavailable
from hoeksteen_keeper.service.clock import now
from hoeksteen_keeper.vault.providers import KeyProvider, make_provider, open_provider
from hoeksteen_keeper.vault.providers.pkcs11 import Pkcs11Provider, Pkcs11Settings
from hoeksteen_keeper.vault.providers.transit import TransitProvider, TransitSettings

KEY, CONTEXT = bytes(range(32)), b"hoeksteen epoch" + bytes(8)


def hold_a_provider_to_its_promise(provider: KeyProvider) -> None:
    """Wrap, rotate, unwrap the old and the new, destroy the old; whatever does not belong together is refused."""
    first, wrapped = provider.wrap(KEY, context=CONTEXT)
    assert provider.keks() == [first] and provider.current() == first
    with pytest.raises(KeeperInvalid, match="kek_in_use"):
        provider.destroy(first)
    second = provider.rotate()
    assert second != first and provider.current() == second and set(provider.keks()) == {first, second}
    kek, again = provider.wrap(KEY, context=CONTEXT)
    assert kek == second and again != wrapped
    assert provider.unwrap(wrapped, kek=first, context=CONTEXT) == KEY == provider.unwrap(again, kek=second, context=CONTEXT)
    changed = wrapped[:-2] + bytes([wrapped[-2] ^ 1]) + wrapped[-1:]
    for kek, given, context in ((first, wrapped, b"other"), (second, wrapped, CONTEXT), (first, changed, CONTEXT), (first, b"", CONTEXT)):
        with pytest.raises(KeeperCorrupt, match="key_unwrap_failed"):
            provider.unwrap(given, kek=kek, context=context)
    provider.destroy(first)
    assert provider.keks() == [second]
    with pytest.raises(KeeperCorrupt, match="key_unwrap_failed"):
        provider.unwrap(wrapped, kek=first, context=CONTEXT)
    assert provider.unwrap(again, kek=second, context=CONTEXT) == KEY


def test_the_file(tmp_path: Path) -> None:
    provider = make_provider(tmp_path, {"provider": "file"}, random_bytes=os.urandom)
    hold_a_provider_to_its_promise(provider)
    assert provider.current() == open_provider(tmp_path, random_bytes=os.urandom).current()
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    "settings",
    [{"provider": "pkcs11", "module": "x"}, {"provider": "transit", "address": "http://vault.example", "token_file": "t"}, {"provider": "paper"},
     {"provider": "file", "pin": "1"}, {"provider": "transit", "address": "https://v", "token_file": "t", "ca_file": "/nowhere"}],
)  # fmt: skip
def test_settings_that_do_not_fit(tmp_path: Path, settings: dict[str, str]) -> None:
    with pytest.raises(KeeperInvalid, match="provider_invalid"):
        make_provider(tmp_path, settings, random_bytes=os.urandom)


class TestPkcs11:
    def provider(self, held: Token, **more: str) -> Pkcs11Provider:
        return Pkcs11Provider(Pkcs11Settings(**{**held.settings, **more}), random_bytes=os.urandom)

    def test_it_keeps_its_promise_and_its_key(self, token: Token) -> None:
        provider = self.provider(token, label="promise")
        with pytest.raises(KeeperInvalid, match="kek_unreadable"):
            provider.current()
        provider.make_first()
        with pytest.raises(KeeperInvalid, match="key_exists"):
            provider.make_first()
        hold_a_provider_to_its_promise(provider)
        with token.session() as session:
            (key,) = session.get_objects({pkcs11.Attribute.LABEL: "promise-2"})
            assert key[pkcs11.Attribute.NEVER_EXTRACTABLE] and key[pkcs11.Attribute.ALWAYS_SENSITIVE] and key[pkcs11.Attribute.LOCAL]
            with pytest.raises(pkcs11.AttributeSensitive):
                key[pkcs11.Attribute.VALUE]

    def test_a_key_that_the_token_would_give_away_is_refused(self, token: Token) -> None:
        with token.session(rw=True) as session:
            session.generate_key(
                pkcs11.KeyType.AES, 256, label="loose-1", store=True, template={pkcs11.Attribute.EXTRACTABLE: True, pkcs11.Attribute.SENSITIVE: False}
            )  # fmt: skip
        with pytest.raises(KeeperInvalid, match="kek_exposed"):
            self.provider(token, label="loose").wrap(KEY, context=CONTEXT)

    def test_what_does_not_answer_is_unavailable(self, token: Token, tmp_path: Path) -> None:
        wrong, open_to_all = tmp_path / "wrong", tmp_path / "open"
        wrong.write_text("000000")
        wrong.chmod(0o600)
        open_to_all.write_text(PIN)
        open_to_all.chmod(0o644)
        for more, error, reason in (
            ({"token": "another"}, KeeperUnavailable, "provider_unreachable"),
            ({"module": "/nowhere.so"}, KeeperUnavailable, "provider_unreachable"),
            ({"pin_file": str(wrong)}, KeeperUnavailable, "provider_refused"),
            ({"pin_file": str(open_to_all)}, KeeperInvalid, "kek_exposed"),
            ({"pin_file": str(tmp_path / "none")}, KeeperInvalid, "kek_unreadable"),
        ):
            with pytest.raises(error, match=reason) as raised:
                self.provider(token, **more).current()
            assert PIN not in str(raised.value)

    def test_a_keeper_whose_kek_never_leaves_the_token(self, keeper: RunningKeeper, token: Token) -> None:
        """Started anew on the token: seals, opens, rotates its KEK, and opens again after a restart."""
        home, socket = keeper.folder / "hsm", keeper.folder / "run" / "hsm.sock"
        keeper.sql("CREATE DATABASE hsm OWNER keeper")
        dsn = keeper.dsn.replace("dbname=keeper", "dbname=hsm")
        settings = [f"--provider-setting={name}={value}" for name, value in {**token.settings, "label": "own"}.items()]
        keeper.run("init", "--home", home, "--dsn", dsn, "--provider", "pkcs11", *settings)
        assert not (home / "keys" / "kek").exists() and (home / "keys" / "provider.toml").stat().st_mode & 0o777 == 0o600
        keeper.run("bootstrap", keeper.folder / "bootstrap.yaml", "--home", home, "--dsn", dsn)
        running = RunningKeeper(keeper.folder, keeper.cluster, dsn, socket, free_port(), home_of="hsm")
        running.start()
        try:
            bss, subject = running.client("bss"), new_subject()
            asked = bss.request_grant(purpose="migration", categories=["identity"], subjects=None, ticket="T", minutes=60, subjects_max=100)
            running.approve(asked["id"])
            (blob,) = bss.seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "X"})])
            found = running.client("dewi.hoekstra").could_see(subject=subject)["findings"]
            assert any(sentence.startswith("kek-pkcs11: ") for sentence in found)
            pin, more = Path(token.settings["pin_file"]), [SealItem(new_subject(), {"family_name": "Y"})]
            running.cluster.as_superuser("UPDATE vault.epoch SET keys = 4096", database="hsm")
            pin.write_text("000000")
            with pytest.raises(KeeperUnavailable, match="provider_refused"):  # it needs an epoch key: nothing is sealed under anything less
                bss.seal(purpose="migration", category="identity", items=more)
            pin.write_text(PIN)
            assert len(bss.seal(purpose="migration", category="identity", items=more)) == 1
            assert "pkcs11:keeper/own-2" in running.run("key", "rotate-kek", "--home", home, "--dsn", dsn).stdout
            running.stop()
            running.start()
            assert bss.reveal(purpose="migration", category="identity", items=[(subject, blob)])[0].fields == {"family_name": "X"}
            with token.session() as session:
                assert [key[pkcs11.Attribute.LABEL] for key in session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY})].count(
                    "own-1"
                ) == 0
        finally:
            running.stop()


@dataclass
class Transit:
    """
    A server that answers as the documentation of the transit API says, and keeps what it was asked.

    :param fail: a status that it answers everything with
    """

    address: str = ""
    ca_file: Path = Path()
    keys: dict[int, bytes] = field(default_factory=lambda: {1: os.urandom(32)})
    lowest: int = 1
    more: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    fail: int = 0

    def answer(self, method: str, path: str, token: str | None, body: Any) -> tuple[int, dict[str, Any] | None]:
        self.asked.append((method, path, body))
        if self.fail:
            return self.fail, {"errors": ["as the test asked"]}
        if token != "s.token":
            return 403, {"errors": ["permission denied"]}
        latest = max(self.keys)
        match path.removeprefix("/v1/transit/").split("/"):
            case ["keys", "hoeksteen"] if method == "GET":
                shown = {"name": "hoeksteen", "type": "aes256-gcm96", "derived": False, "exportable": False, "allow_plaintext_backup": False}
                versions = {"latest_version": latest, "min_decryption_version": self.lowest, "min_encryption_version": 0}
                return 200, {"data": {**shown, **versions, "keys": {str(v): 1442851412 for v in self.keys}, **self.more}}
            case ["encrypt", "hoeksteen"]:
                nonce = os.urandom(12)
                sealed = AESGCM(self.keys[latest]).encrypt(nonce, base64.b64decode(body["plaintext"]), base64.b64decode(body["associated_data"]))
                return 200, {"data": {"ciphertext": f"vault:v{latest}:{base64.b64encode(nonce + sealed).decode()}", "key_version": latest}}
            case ["decrypt", "hoeksteen"]:
                _, version, text = body["ciphertext"].split(":")
                try:
                    sealed = base64.b64decode(text, validate=True)
                    key = self.keys[int(version[1:])] if int(version[1:]) >= self.lowest else None
                    plain = AESGCM(key or b"").decrypt(sealed[:12], sealed[12:], base64.b64decode(body["associated_data"]))
                except (ValueError, InvalidTag):
                    return 400, {"errors": ["cipher: message authentication failed"]}
                return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}
            case ["keys", "hoeksteen", "rotate"]:
                self.keys[latest + 1] = os.urandom(32)
                return 204, None
            case ["keys", "hoeksteen", "config"]:
                self.lowest = body["min_decryption_version"]
                return 200, {"data": {}}
            case ["keys", "hoeksteen", "trim"]:
                self.keys = {v: key for v, key in self.keys.items() if v >= body["min_available_version"]}
                return 204, None
        return 404, {"errors": []}


@pytest.fixture
def transit(tmp_path: Path) -> Iterator[Transit]:
    """The server, behind a certificate of an authority of its own."""
    service = Transit(ca_file=tmp_path / "ca.pem")

    class Handler(BaseHTTPRequestHandler):
        def _answered(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = service.answer(self.command, self.path, self.headers["X-Vault-Token"], json.loads(raw) if raw else None)
            body = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", f"{service.address}/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answered

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    key, certificate = certified(service.ca_file)
    (tmp_path / "server.pem").write_bytes(key + certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    service.address = f"https://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield service
    server.shutdown()
    thread.join()
    server.server_close()


def certified(ca_file: Path) -> tuple[bytes, bytes]:
    """Make an authority, and a key with a certificate for 127.0.0.1 that it signed."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey, ca: bool) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public).serial_number(x509.random_serial_number())
        dated = made.not_valid_before(now() - timedelta(hours=1)).not_valid_after(now() + timedelta(hours=1))
        return dated.add_extension(x509.BasicConstraints(ca, None), critical=True)

    ca_file.write_bytes(builder(issuer, ca_key.public_key(), ca=True).sign(ca_key, SHA256()).public_bytes(Encoding.PEM))
    name = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "transit")])
    signed = builder(subject, key.public_key(), ca=False).add_extension(name, critical=False).sign(ca_key, SHA256())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), signed.public_bytes(Encoding.PEM)


class TestTransit:
    @pytest.fixture
    def settings(self, transit: Transit, tmp_path: Path) -> dict[str, str]:
        (tmp_path / "token").write_text("s.token\n")
        (tmp_path / "token").chmod(0o600)
        return {"address": transit.address, "token_file": str(tmp_path / "token"), "ca_file": str(transit.ca_file)}

    def test_it_keeps_its_promise(self, settings: dict[str, str]) -> None:
        provider = TransitProvider(TransitSettings(**settings))
        provider.require_usable()
        hold_a_provider_to_its_promise(provider)

    def test_the_exchange_is_the_documented_one(self, transit: Transit, settings: dict[str, str]) -> None:
        provider = TransitProvider(TransitSettings(**settings))
        kek, wrapped = provider.wrap(KEY, context=CONTEXT)
        provider.unwrap(wrapped, kek=kek, context=CONTEXT)
        provider.rotate()
        provider.destroy(kek)
        associated = base64.b64encode(CONTEXT).decode()
        assert [call for call in transit.asked if call[0] == "POST"] == [
            ("POST", "/v1/transit/encrypt/hoeksteen", {"plaintext": base64.b64encode(KEY).decode(), "associated_data": associated}),
            ("POST", "/v1/transit/decrypt/hoeksteen", {"ciphertext": wrapped.decode(), "associated_data": associated}),
            ("POST", "/v1/transit/keys/hoeksteen/rotate", {}),
            ("POST", "/v1/transit/keys/hoeksteen/config", {"min_decryption_version": 2, "min_encryption_version": 2}),
            ("POST", "/v1/transit/keys/hoeksteen/trim", {"min_available_version": 2}),
        ]
        assert kek == "transit:transit/hoeksteen:v1" and wrapped.startswith(b"vault:v1:")

    @pytest.mark.parametrize(
        ("status", "error", "reason"),
        [(503, KeeperUnavailable, "provider_unreachable"), (429, KeeperUnavailable, "provider_unreachable"), (307, KeeperUnavailable, "unreachable"),
         (403, KeeperUnavailable, "provider_refused"), (404, KeeperInvalid, "kek_unreadable"), (200, KeeperUnavailable, "provider_unreachable")],
    )  # fmt: skip
    def test_what_it_answers_amiss(self, transit: Transit, settings: dict[str, str], status: int, error: type[Exception], reason: str) -> None:
        transit.fail = status
        with pytest.raises(error, match=reason) as raised:
            TransitProvider(TransitSettings(**settings)).wrap(KEY, context=CONTEXT)
        assert "s.token" not in str(raised.value) and len(transit.asked) == 1, "a redirect would take the token elsewhere"

    def test_a_server_that_is_not_there_or_is_another(self, transit: Transit, settings: dict[str, str]) -> None:
        for wrong in ({"address": "https://127.0.0.1:1"}, {"ca_file": ""}, {"address": transit.address.replace("https", "http")}):
            with pytest.raises(KeeperUnavailable, match="provider_unreachable"):
                TransitProvider(TransitSettings(**{**settings, **wrong})).current()
        assert transit.asked == [], "no token was sent to whom the certificate does not name"

    def test_a_key_that_could_be_taken_out_is_refused(self, transit: Transit, settings: dict[str, str]) -> None:
        for more, reason in (
            ({"exportable": True}, "kek_exposed"),
            ({"allow_plaintext_backup": True}, "kek_exposed"),
            ({"type": "rsa"}, "invalid"),
        ):
            transit.more = more
            with pytest.raises(KeeperInvalid, match=reason):
                TransitProvider(TransitSettings(**settings)).require_usable()

    def test_a_keeper_whose_transit_service_is_gone_does_not_open(self, keeper: RunningKeeper, transit: Transit, settings: dict[str, str]) -> None:
        home = keeper.folder / "transit"
        keeper.sql("CREATE DATABASE transit OWNER keeper")
        dsn = keeper.dsn.replace("dbname=keeper", "dbname=transit")
        chosen = [f"--provider-setting={name}={value}" for name, value in settings.items()]
        keeper.run("init", "--home", home, "--dsn", dsn, "--provider", "transit", *chosen)
        assert "transit:transit/hoeksteen:v2" in keeper.run("key", "rotate-kek", "--home", home, "--dsn", dsn).stdout
        assert sorted(transit.keys) == [2]
        transit.fail = 503
        answer = keeper.run("key", "rotate-kek", "--home", home, "--dsn", dsn, check=False)
        assert (answer.returncode, answer.stderr.splitlines()[-1].split(":")[0]) == (1, "provider_unreachable")
        transit.fail = 0
        keeper.run("fsck", "--home", home, "--dsn", dsn)
