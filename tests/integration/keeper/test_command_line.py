"""The keeper's command line: what its owner does on its machine, and what people do from theirs."""

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.keeper import PEOPLE, SERVICES, RunningKeeper, bootstrap_entries, new_subject, new_totp_secret
from hoeksteen_keeper.access.passwords import totp_code, totp_secret, totp_step
from hoeksteen_keeper.client import SealItem
from hoeksteen_keeper.service.clock import now

PUBLIC_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="  # RFC 8032, test 1


def entries() -> dict[str, object]:
    return bootstrap_entries({actor: new_totp_secret() for actor in PEOPLE}, dict.fromkeys((*PEOPLE, *SERVICES), PUBLIC_KEY))


def test_a_person_asks_two_approve_and_all_by_command(keeper: RunningKeeper) -> None:
    subject = new_subject()
    keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "X"})])

    def person(actor: str, *arguments: str) -> str:
        return keeper.run(*arguments, "--as", actor, "--key", keeper.key(actor), "--socket", keeper.socket_path).stdout

    grant, digest = person(
        "m.tan", "grant", "request", "--purpose", "support", "--category", "identity", "--subject", str(subject), "--ticket", "T-3", "--minutes", "9"
    ).split()  # fmt: skip
    assert digest in person("chris.smit", "grant", "show", grant) and grant in person("dewi.hoekstra", "grant", "list", "--state", "requested")
    assert "requested: 1 of 2" in person("chris.smit", "grant", "approve", grant, "--digest", digest, "--yes")
    assert "running: 2 of 2" in person("dewi.hoekstra", "grant", "approve", grant, "--yes")
    could = json.loads(person("dewi.hoekstra", "could-see", "--json", "--subject", str(subject)))
    assert any(row["actor"] == "m.tan" and row["grant"] == grant for row in could["actors"])
    assert person("m.tan", "grant", "revoke", grant, "--reason", "done").strip() == "revoked"
    did = [json.loads(line) for line in person("dewi.hoekstra", "did-see", "--json", "--subject", str(subject)).splitlines()]
    assert [entry["action"] for entry in did] == ["seal", "could_see"]
    assert person("chris.smit", "checkpoint").splitlines()[0] == "keeper.hoeksteen.example/log"


def test_a_digest_that_differs_is_not_signed(keeper: RunningKeeper) -> None:
    grant = keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=[new_subject()], ticket="T", minutes=5)
    answer = keeper.run(
        "grant", "approve", grant["id"], "--digest", "00" * 32, "--yes", "--as", "chris.smit", "--key", keeper.key("chris.smit"), "--socket",
        keeper.socket_path, check=False,
    )  # fmt: skip
    assert answer.returncode == 1 and answer.stderr.startswith("digest_differs") and "Traceback" not in answer.stderr
    assert keeper.client("chris.smit").grant(grant=grant["id"])["approvals"] == []


def test_a_bundle_is_written_and_the_log_recomputes(own_keeper: RunningKeeper, tmp_path: Path) -> None:
    options = ("--as", "dewi.hoekstra", "--key", own_keeper.key("dewi.hoekstra"), "--socket", own_keeper.socket_path)
    own_keeper.run("export", "--subject", str(new_subject()), "--out", tmp_path / "bundle.json", *options)
    assert json.loads((tmp_path / "bundle.json").read_bytes())["format"].startswith("hoeksteen.evidence.bundle")
    assert stat.S_IMODE((tmp_path / "bundle.json").stat().st_mode) == 0o600
    before = own_keeper.sql("SELECT size FROM evidence.head")
    again = own_keeper.run("export", "--subject", str(new_subject()), "--out", tmp_path / "bundle.json", *options, check=False)
    assert again.returncode == 1 and again.stderr.startswith("bundle_exists")
    assert own_keeper.sql("SELECT size FROM evidence.head") == before
    made = [path for path in own_keeper.home.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert made == [], "what the keeper writes is for its own user alone"
    before = own_keeper.sql("SELECT size FROM evidence.head")
    assert json.loads(own_keeper.run("fsck", "--home", own_keeper.home, "--dsn", own_keeper.dsn).stdout)["ok"] is True
    assert own_keeper.sql("SELECT size FROM evidence.head") == before, "checking a log adds nothing to it"


@pytest.mark.parametrize(
    "arguments", [("export", "--subject", str(new_subject()), "--out", "/proc/bundle"), ("keygen", "--out", "/nowhere/key")], ids=["export", "keygen"]
)
def test_a_file_that_cannot_be_written_is_named(keeper: RunningKeeper, arguments: tuple[str, ...]) -> None:
    options = ("--as", "dewi.hoekstra", "--key", keeper.key("dewi.hoekstra"), "--socket", keeper.socket_path) if arguments[0] == "export" else ()
    done = keeper.run(*arguments, *options, check=False)
    assert (done.returncode, done.stderr.split(":")[0]) == (1, "not_written")
    assert "Traceback" not in done.stderr


def test_a_bootstrap_that_was_cut_off_is_finished_by_doing_it_again(own_keeper: RunningKeeper) -> None:
    own_keeper.stop()
    own_keeper.sql("DELETE FROM access.grant_subject; DELETE FROM access.access_grant; DELETE FROM access.session")
    own_keeper.sql("DELETE FROM access.key WHERE actor IN ('w.lim', 'api'); DELETE FROM access.actor WHERE actor = 'w.lim'")
    options = (own_keeper.folder / "bootstrap.yaml", "--home", own_keeper.home, "--dsn", own_keeper.dsn)
    own_keeper.run("bootstrap", *options)
    assert own_keeper.sql("SELECT count(*) FROM access.actor WHERE actor IN ('w.lim', 'api')") == "2"
    again = own_keeper.run("bootstrap", *options, check=False)
    assert (again.returncode, again.stderr.split(":")[0]) == (1, "not_empty")
    own_keeper.start()
    for actor in ("w.lim", "api"):  # which keys they hold, the log says
        assert own_keeper.client(actor).checkpoint()


def test_help_cuts_no_sentence_off_and_a_missing_option_names_its_variable(keeper: RunningKeeper) -> None:
    for group in ((), ("key",), ("grant",), ("change",), ("actor",)):
        told = keeper.run(*group, "--help").stdout.partition("Commands:")[2]
        assert told and "..." not in told, told
    answer = keeper.run("checkpoint", "--as", "chris.smit", "--key", keeper.key("chris.smit"), check=False)
    assert answer.returncode == 2 and "HOEKSTEEN_KEEPER_SOCKET" in answer.stderr


def test_keys_and_codes(keeper: RunningKeeper, tmp_path: Path) -> None:
    made = keeper.run("keygen", "--out", tmp_path / "k").stdout.strip()
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=", made) and keeper.run("public", "--key", tmp_path / "k").stdout.strip() == made
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600
    again = keeper.run("keygen", "--out", tmp_path / "k", check=False)
    assert again.returncode == 1 and again.stderr.startswith("key_exists")
    secret = new_totp_secret()
    printed = keeper.run("code", "--secret", secret).stdout.strip()
    assert printed in {totp_code(totp_secret(secret), totp_step(now()) + off) for off in (-1, 0)}


@pytest.mark.parametrize("arguments", [("init",), ("bootstrap", "FILE")])
def test_neither_keys_nor_people_are_ever_overwritten(keeper: RunningKeeper, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    file = tmp_path / "bootstrap.yaml"
    file.write_text(yaml.safe_dump(entries()), "utf-8")
    kek = (keeper.home / "keys" / "kek").read_bytes()
    answer = keeper.run(*(file if part == "FILE" else part for part in arguments), "--home", keeper.home, "--dsn", keeper.dsn, check=False)
    assert answer.returncode == 1 and re.match("key_exists|not_empty", answer.stderr)
    assert (keeper.home / "keys" / "kek").read_bytes() == kek


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda e: e["people"][0].update(roles=["king"]), "anna.dekker: there is no role king"),
        (lambda e: e["people"][0].update(roles=["service"]), "there is no role service"),
        (lambda e: e["people"][0].update(password="short"), "anna.dekker: A password has 12"),
        (lambda e: e["people"][1].update(totp_secret="ABC"), "bram.visser: A TOTP secret"),
        (lambda e: e["people"][0].update(organisation="nowhere"), "anna.dekker: there is no organisation nowhere"),
        (lambda e: e["people"][0].pop("password"), "missing required field `password`"),
        (lambda e: e["people"][0].update(shoe_size=43), "unknown field `shoe_size`"),
        (lambda e: e["services"][0].update(public_key="AAAA"), "bss: An Ed25519 public key has 32 bytes"),
        (lambda e: e["services"][0].update(actor="anna.dekker"), "anna.dekker: appears twice"),
        (lambda e: e["organisations"][0].update(operator=False), "exactly one is the operator"),
    ],
)
def test_a_wrong_bootstrap_file_names_the_fault_and_adds_nothing(
    keeper: RunningKeeper, tmp_path: Path, change: Callable[[Any], object], says: str
) -> None:
    document = entries()
    change(document)
    file = tmp_path / "bootstrap.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    answer = keeper.run("bootstrap", file, "--home", keeper.home, "--dsn", keeper.dsn, check=False)
    assert answer.returncode == 1 and says in answer.stderr and str(file) in answer.stderr and "Traceback" not in answer.stderr


def test_a_bootstrap_file_that_is_no_yaml_names_the_line(keeper: RunningKeeper, tmp_path: Path) -> None:
    file = tmp_path / "bootstrap.yaml"
    file.write_text("people:\n  - actor: [anna\n", "utf-8")
    answer = keeper.run("bootstrap", file, "--home", keeper.home, "--dsn", keeper.dsn, check=False)
    assert answer.returncode == 1 and f"{file}, line 3" in answer.stderr


def test_what_is_missing_or_taken_is_said_in_one_sentence(keeper: RunningKeeper, tmp_path: Path) -> None:
    serve = ("serve", "--home", keeper.home, "--dsn", keeper.dsn)
    for arguments, says in (
        (("serve", "--home", tmp_path, "--dsn", keeper.dsn, "--socket", tmp_path / "s", "--port", "1"), "not_initialised"),
        ((*serve, "--socket", keeper.socket_path, "--port", "1"), "socket_taken"),
        ((*serve, "--socket", tmp_path / "s", "--port", str(keeper.port)), "port_taken"),
        ((*serve, "--socket", tmp_path / ("s" * 120), "--port", "1"), "socket_invalid"),
        ((*serve, "--socket", tmp_path / "nowhere" / "s", "--port", "1"), "socket_invalid"),
        (("fsck", "--home", keeper.home, "--dsn", keeper.dsn.replace("dbname=keeper", "dbname=postgres")), "not_initialised"),
        (("keygen", "--out", keeper.key("chris.smit") / "below"), "not_written"),
        (("init", "--home", tmp_path / "new", "--dsn", f"host={tmp_path} dbname=keeper"), "store_"),
        (("checkpoint", "--as", "chris.smit", "--key", tmp_path / "none", "--socket", keeper.socket_path), f"key_unreadable: {tmp_path}/none cannot"),
        (("fsck", "--home", keeper.home, "--dsn", keeper.dsn.replace("dbname=keeper", "dbname=kepper")), 'store_unreachable: database "kepper" does'),
        (("backup", "--home", keeper.home, "--out", tmp_path / "b", "--dsn", f"{keeper.dsn} user=nobody"), "store_unreachable"),
        (("backup", "--home", keeper.home, "--out", tmp_path / "b", "--dsn", "nonsense"), "dsn_invalid"),
        (("restore", tmp_path / "b", "--home", tmp_path / "new", "--dsn", keeper.dsn), "not_initialised"),
        (("checkpoint", "--as", "chris.smit", "--key", keeper.key("chris.smit"), "--socket", tmp_path / "none"), "keeper_unreachable"),
    ):
        answer = keeper.run(*arguments, check=False)
        assert answer.returncode == 1 and answer.stderr.startswith(says) and answer.stderr.count("\n") == 1, answer.stderr
        assert arguments[0] != "restore" or "copy the keys/ of the keeper that was backed up" in answer.stderr
    assert not (tmp_path / "new").exists()  # a store that cannot be reached leaves no keys behind


def test_a_key_file_that_others_may_read_stops_the_keeper(own_keeper: RunningKeeper) -> None:
    own_keeper.stop()
    os.chmod(own_keeper.home / "keys" / "kek", 0o644)
    answer = own_keeper.run(
        "serve", "--home", own_keeper.home, "--dsn", own_keeper.dsn, "--socket", own_keeper.socket_path, "--port", str(own_keeper.port), check=False
    )  # fmt: skip
    assert answer.returncode == 1 and answer.stderr.startswith("kek_exposed")


@pytest.mark.parametrize(("content", "says"), [(None, "key_unreadable"), (b"\xff\xfe", "not_a_key"), (b"PRIVATE+KEY+log+00+!", "not_a_key")])
def test_a_signing_key_that_is_missing_or_damaged_is_named(own_keeper: RunningKeeper, content: bytes | None, says: str) -> None:
    own_keeper.stop()
    key = own_keeper.home / "keys" / "log-signing"
    key.unlink()
    if content is not None:
        key.write_bytes(content)
    for command in (("fsck",), ("serve", "--socket", own_keeper.socket_path, "--port", str(own_keeper.port))):
        answer = own_keeper.run(*command, "--home", own_keeper.home, "--dsn", own_keeper.dsn, check=False)
        assert answer.returncode == 1 and answer.stderr.startswith(says) and str(key) in answer.stderr, answer.stderr


def test_a_keeper_that_was_killed_serves_again_and_its_log_is_whole(own_keeper: RunningKeeper) -> None:
    keeper, subject = own_keeper, new_subject()
    (blob,) = keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "X"})])
    assert keeper.process
    keeper.process.kill()
    keeper.process.wait(10)
    keeper.start()
    assert keeper.client("bss").reveal(purpose="billing", category="identity", items=[(subject, blob)])[0].fields == {"family_name": "X"}
    assert keeper.client("chris.smit").fsck()["ok"] is True
