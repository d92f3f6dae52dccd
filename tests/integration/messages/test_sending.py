"""Sending the outbox to a real SMTP server, with addresses and names that only a real keeper knows."""

import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from uuid import UUID

import pytest

from fixtures.keeper import RunningKeeper, free_port
from fixtures.mailbox import Mailbox, open_mailbox
from hoeksteen.disclosure import SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.kernel.errors import InvalidInput, Unavailable
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.messages.model import RETRY_AFTER, MessageKind, MessageState, NewMessage, Outcome, Sending, SmtpServer
from hoeksteen.messages.operations import enqueue, send_due
from hoeksteen.messages.queries import attempts, counts, sent_to, waiting
from hoeksteen.party import operations as party
from hoeksteen.party.model import NewCustomer
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)


def _customer(database: Database, keeper: RunningKeeper, name: str, *, language: str = "nl", email: str | None = "klant@voorbeeld.nl") -> UUID:
    customer_id, party_id = derived("messages", name), derived("messages party", name, str(database))
    with database.transaction() as tx:
        new = NewCustomer(customer_id, party_id, "individual", "consumer", date(2020, 1, 1), language=language)  # type: ignore[arg-type]
        party.add_customers(tx=tx, customers=[new], now=NOW)
        identity = {"kind": "individual", "initials": "J.", "family_name_prefix": "van den", "family_name": "Berg"}
        contact = {"addresses": [], "phones": [], "sims": [], "emails": [email] if email else []}
        for category, fields in ((Category.IDENTITY, identity), (Category.CONTACT, contact)):
            store(tx=tx, keeper=keeper.client("bss"), purpose="migration", category=category, items=[SealItem(party_id, fields)])
        parameters = {"bill_number": "LLT-2026-00000007", "amount": "1234.50", "due_date": "2026-11-15"}
        enqueue(tx=tx, messages=[NewMessage(customer_id, derived("message", name), MessageKind.BILL_READY, parameters, NOW)])
    return customer_id


def _send(database: Database, keeper: RunningKeeper, server: SmtpServer, now: datetime = NOW) -> Sending:
    return send_due(database=database, keeper=keeper.client("bss"), server=server, now=now)


def test_a_bill_is_announced_and_the_evidence_kept(database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    customer_id = _customer(database, keeper, "a")
    assert _send(database, keeper, server) == Sending(1, 0, 0)
    (envelope,) = box.taken
    assert isinstance(envelope.content, bytes)
    mail = message_from_bytes(envelope.content, policy=policy.default)
    assert (envelope.rcpt_tos, mail["To"]) == (["klant@voorbeeld.nl"], "klant@voorbeeld.nl")
    assert mail["Subject"] == "Uw factuur LLT-2026-00000007 staat klaar"
    body = mail.get_content()
    assert "Beste J. van den Berg," in body
    assert "€ 1.234,50" in body
    assert "15 november 2026" in body
    with database.transaction() as tx:
        (message,) = sent_to(tx=tx, customer_id=customer_id)
        (attempt,) = attempts(tx=tx, customer_id=customer_id, message_id=message.message_id)
        assert counts(tx=tx) == {"sent": 1}
    assert message.state is MessageState.SENT
    assert str(message.message_id) in mail["Message-ID"]
    assert (attempt.outcome, attempt.reply_code, attempt.reply) == (Outcome.ACCEPTED, 250, "2.0.0 Ok: queued as 4F2A")
    assert attempt.digest == hashlib.sha256(envelope.content).digest()
    assert _send(database, keeper, server) == Sending(0, 0, 0)


def test_seven_bits_and_whole_line_ends_travel(database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    _customer(database, keeper, "wire")
    _send(database, keeper, server)
    wire = box.taken[0].original_content
    assert wire is not None
    assert not re.search(rb"(?<!\r)\n", wire), "a line that ends in LF alone: strict servers refuse it"
    assert wire.isascii()


def test_a_domain_beyond_ascii_is_written_as_servers_know_it(database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    _customer(database, keeper, "domain", email="klant@bücher.example")
    assert _send(database, keeper, server) == Sending(1, 0, 0)
    assert box.taken[0].rcpt_tos == ["klant@xn--bcher-kva.example"]


def test_an_address_beyond_ascii_needs_a_server_that_takes_it(database: Database, keeper: RunningKeeper) -> None:
    for name in ("strict", "international"):
        _customer(database, keeper, name, email="jürgen@voorbeeld.nl")
        _customer(database, keeper, f"{name} neighbour")
        with open_mailbox(international=name == "international") as (box, server):
            done = _send(database, keeper, server)
        recipients = sorted(address for envelope in box.taken for address in envelope.rcpt_tos)
        assert (done, recipients) == (
            (Sending(1, 0, 1), ["klant@voorbeeld.nl"]) if name == "strict" else (Sending(2, 0, 0), ["jürgen@voorbeeld.nl", "klant@voorbeeld.nl"])
        )


@pytest.mark.parametrize(
    "email",
    [
        "a@b.nl\r\nBcc: x@y.nl",
        "x@y.nl, z@y.nl",
        "klant",
        "@voorbeeld.nl",
        "a b@voorbeeld.nl",
        "a@b@c.nl",
        "a@b..nl",
        "<a@b.nl>",
        "a@" + "b" * 64 + ".nl",
    ],
)
def test_a_malformed_address_fails_alone(email: str, database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    customer_id = _customer(database, keeper, "malformed", email=email)
    _customer(database, keeper, "well-formed")
    assert _send(database, keeper, server) == Sending(1, 0, 1)
    assert [envelope.rcpt_tos for envelope in box.taken] == [["klant@voorbeeld.nl"]]
    with database.transaction() as tx:
        (message,) = sent_to(tx=tx, customer_id=customer_id)
        (attempt,) = attempts(tx=tx, customer_id=customer_id, message_id=message.message_id)
    assert (attempt.outcome, attempt.reply) == (Outcome.REFUSED, "the e-mail address is malformed")


def test_a_message_to_nobody_fails(database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    _, server = mailbox
    nobody, parameters = derived("messages", "nobody"), {"bill_number": "LLT-2026-00000008", "amount": "1.00", "due_date": "2026-11-15"}
    with database.transaction() as tx:
        enqueue(tx=tx, messages=[NewMessage(nobody, derived("message", "nobody"), MessageKind.BILL_READY, parameters, NOW)])
    assert _send(database, keeper, server) == Sending(0, 0, 1)


def test_mail_to_another_machine_is_encrypted(database: Database, keeper: RunningKeeper) -> None:
    for host in ("mail.voorbeeld.example", "192.0.2.1"):
        with pytest.raises(InvalidInput, match="unencrypted"):
            _send(database, keeper, SmtpServer(host, tls="none"))


def test_in_english(database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    _customer(database, keeper, "english", language="en")
    _send(database, keeper, server)
    assert isinstance(box.taken[0].content, bytes)
    body = message_from_bytes(box.taken[0].content, policy=policy.default).get_content()
    assert "Dear J. van den Berg," in body
    assert "€ 1,234.50" in body


def test_what_is_deferred_is_tried_again_later_and_then_given_up(
    database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]
) -> None:
    box, server = mailbox
    customer_id = _customer(database, keeper, "deferred")
    box.answers = ["451 try again later"] * 6
    now = NOW
    for delay in RETRY_AFTER:
        assert _send(database, keeper, server, now) == Sending(0, 1, 0)
        assert _send(database, keeper, server, now + delay - timedelta(seconds=1)) == Sending(0, 0, 0)
        now += delay
    assert _send(database, keeper, server, now) == Sending(0, 0, 1)
    with database.transaction() as tx:
        (message,) = sent_to(tx=tx, customer_id=customer_id)
        tried = attempts(tx=tx, customer_id=customer_id, message_id=message.message_id)
    assert (message.state, [one.attempt for one in tried]) == (MessageState.FAILED, [1, 2, 3, 4, 5, 6])
    assert tried[0].digest is None


def test_an_address_that_is_refused_is_not_kept_in_the_evidence(
    database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]
) -> None:
    box, server = mailbox
    customer_id = _customer(database, keeper, "refused")
    box.at_recipient = ["550 5.1.1 <klant@voorbeeld.nl>: unknown user"]
    assert _send(database, keeper, server) == Sending(0, 0, 1)
    with database.transaction() as tx:
        (message,) = sent_to(tx=tx, customer_id=customer_id)
        (attempt,) = attempts(tx=tx, customer_id=customer_id, message_id=message.message_id)
    assert (attempt.outcome, attempt.reply_code, attempt.reply) == (Outcome.REFUSED, 550, "5.1.1 (address): unknown user")


def test_without_an_address_a_person_has_to_look(database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    _, server = mailbox
    _customer(database, keeper, "no address", email=None)
    assert _send(database, keeper, server) == Sending(0, 0, 1)


def test_a_server_that_is_not_there_changes_nothing(database: Database, keeper: RunningKeeper) -> None:
    _customer(database, keeper, "no server")
    with pytest.raises(Unavailable, match="does not answer"):
        _send(database, keeper, SmtpServer("127.0.0.1", free_port(), tls="none"))
    with pytest.raises(InvalidInput, match="tls"):
        _send(database, keeper, SmtpServer("127.0.0.1", 25, tls="perhaps"))
    with database.transaction() as tx:
        assert [message.attempts for message in waiting(tx=tx)] == [0]


def test_a_server_without_tls_gets_nothing_where_tls_is_asked(database: Database, keeper: RunningKeeper, mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    _customer(database, keeper, "tls")
    with pytest.raises(Unavailable):
        _send(database, keeper, SmtpServer(server.host, server.port))
    assert box.taken == []
