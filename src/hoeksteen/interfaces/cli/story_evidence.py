"""
The part of the demonstration that no other system of this kind can tell: access from outside, and its proof.

A technician at the vendor asks, two people approve, looks are masked and refused. Later the grant's time is over. Then the
two questions are asked about one customer, the answer is exported, and a separate program checks it; a changed byte is found.
"""

import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.table import Table

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure import queries as disclosure
from hoeksteen.host.os_users import own
from hoeksteen.interfaces.cli.options import report_table, write_private
from hoeksteen.interfaces.cli.people import key_of
from hoeksteen.interfaces.cli.story import Figures, Story
from hoeksteen.kernel.errors import NotFound, invariant

TICKET = "INC-4711"
GRANT_MINUTES = 1
APPROVERS = ("chris.smit", "dewi.hoekstra")
EXIT_REFUSED = 77


def tell_access(story: Story) -> Figures:
    """Tell how an outsider gets as far as two people let them, and give the customer and the grant."""
    listed = story.figures("customers", "--limit", "2")["customers"]
    one, other = listed[0], listed[1]
    story.say("\nA care agent has the customer on the line:")
    _look(story, "anna.dekker", one["customer_number"], purpose="care", ticket="CALL-1001")
    story.say(f"\nA technician of the vendor, in another country, works on {TICKET}. Without a grant the keeper refuses:")
    _look(story, "m.tan", one["customer_number"], refused=True)
    story.say("\nSo the technician asks, and two people of the operator approve, each with a key of their own:")
    grant = _approved_grant(story, one["party_id"])
    story.say("\nWhat the grant opens is masked:")
    _look(story, "m.tan", one["customer_number"])
    story.say("\nIt names one customer; another one stays closed:")
    _look(story, "m.tan", other["customer_number"], refused=True)
    return {"customer_number": one["customer_number"], "party_id": one["party_id"], "grant": grant["id"], "valid_to": grant["valid_to"].isoformat()}


def tell_proof(story: Story, access: Figures) -> Figures:
    """Tell that the grant has ended, then who could see and who did see the customer, and give the figures of the proof."""
    _wait_until(story, datetime.fromisoformat(access["valid_to"]))
    story.say("The grant's time is over, and nothing opens any more:")
    _look(story, "m.tan", access["customer_number"], refused=True)
    subject = UUID(access["party_id"])
    with _as_person(story, "dewi.hoekstra") as keeper:
        story.say(f"\nThe privacy officer asks who could see customer {access['customer_number']} now:")
        story.console.print(_could_see_table(disclosure.could_see(keeper=keeper, subject=subject)))
        story.say("\nAnd who did see this customer, ever:")
        seen = disclosure.did_see(keeper=keeper, subject=subject)
        story.console.print(_did_see_table(seen))
        folder = own(story.installation.settings.data / "evidence", story.installation.users.people, mode=0o700)
        bundle = folder / f"customer-{access['customer_number']}.json"
        write_private(bundle, disclosure.evidence_bundle(keeper=keeper, subject=subject))
    invariant(bool(seen), "the looks of this demonstration stand in the log")
    return {**_checked(story, bundle), "bundle": str(bundle)}


def _checked(story: Story, bundle: Path) -> Figures:
    key, people = story.installation.settings.log_key, story.installation.users.people
    story.say("\nThe answer is a file. A separate program, which shares no code with the keeper, checks it:")
    status, _ = story.run(bundle, "--key", key, user=people, program="hoeksteen-verify")
    story.say("\nThe whole log, copied as anybody may copy it, is checked as well:")
    copy = bundle.parent / "log"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(story.installation.settings.keeper / "tiles", copy)
    whole, lines = story.run("log", copy, "--key", key, "--json", user=people, program="hoeksteen-verify")
    answer = _last_object(lines)
    story.say(f"{answer['entries']} entries, root {answer['root'][:16]}…")
    story.say("\nNow one byte of the copy is changed:")
    changed = _change_one_byte(copy)
    story.say(f"{changed.relative_to(copy.parent)}")
    tampered, _ = story.run("log", copy, "--key", key, user=people, program="hoeksteen-verify", fails=True)
    return {"entries": answer["entries"], "verified": status == 0 and whole == 0, "tampered_copy_verified": tampered == 0}


def _look(story: Story, person: str, customer_number: str, *, purpose: str = "support", ticket: str = TICKET, refused: bool = False) -> None:
    key = key_of(story.installation, person)
    status, _ = story.run(
        "look", customer_number, "--as", person, "--key", key, "--purpose", purpose, "--ticket", ticket,
        user=story.installation.users.people, fails=True,
    )  # fmt: skip
    invariant(status == (EXIT_REFUSED if refused else 0), f"the keeper {'refuses' if refused else 'allows'} this look of {person}")


def _approved_grant(story: Story, party_id: str) -> dict[str, Any]:
    socket, people = story.installation.settings.keeper_socket, story.installation.users.people
    _, lines = story.run(
        "grant", "request", "--as", "m.tan", "--key", key_of(story.installation, "m.tan"), "--purpose", "support", "--category", "identity",
        "--subject", party_id, "--ticket", TICKET, "--minutes", str(GRANT_MINUTES), "--socket", socket, user=people, program="hoeksteen-keeper",
    )  # fmt: skip
    grant = lines[-1].split()[0]
    for person in APPROVERS:
        story.run(
            "grant", "approve", grant, "--yes", "--as", person, "--key", key_of(story.installation, person), "--socket", socket,
            user=people, program="hoeksteen-keeper",
        )  # fmt: skip
    with _as_person(story, "m.tan") as keeper:
        return next(one for one in keeper.grants() if one["id"] == grant)


def _as_person(story: Story, person: str) -> KeeperClient:
    return KeeperClient(socket_path=story.installation.settings.keeper_socket, service=person, key_path=key_of(story.installation, person))


def _wait_until(story: Story, end: datetime) -> None:
    left = (end - datetime.now(UTC)).total_seconds()  # noqa: TID251 the keeper's own clock decides; this only waits for it
    if left > 0:
        story.say(f"The grant runs for another {left:.0f} seconds …")
        time.sleep(left + 0.5)


def _change_one_byte(copy: Path) -> Path:
    bundles = sorted(path for path in (copy / "tile" / "entries").rglob("*") if path.is_file())
    if not bundles:
        raise NotFound("The copy of the log holds no entries.", remedy="Run the demonstration from its beginning.")
    widest = max(bundles, key=lambda path: (path.stat().st_size, path.as_posix()))  # not a partial one that a later one made superfluous
    content = bytearray(widest.read_bytes())
    content[len(content) // 2] ^= 1
    widest.write_bytes(content)
    return widest


def _last_object(lines: list[str]) -> dict[str, Any]:
    return dict(json.loads(next(line for line in reversed(lines) if line.startswith("{"))))


def _could_see_table(answer: dict[str, Any]) -> Table:
    table = report_table()
    for heading in ("who", "of", "could see", "for", "at most", "because"):
        table.add_column(heading)
    for one in answer["actors"]:
        ceiling = f"{one['ceiling_per_hour']}/h" if one["ceiling_per_hour"] is not None else ""
        masked = " (masked)" if one["masked"] else ""
        table.add_row(
            one["name"], f"{one['organisation']} ({one['country']})", ", ".join(one["categories"]) + masked, one["purpose"], ceiling, one["because"]
        )
    return table


def _did_see_table(entries: list[dict[str, Any]]) -> Table:
    table = report_table()
    for heading in ("entry", "when (UTC)", "who", "of", "did", "what", "why", "outcome"):
        table.add_column(heading)
    for entry in entries:
        when = str(entry["time"])[11:19]
        what = entry["category"] + (" (masked)" if entry["masked"] else "")
        why = " ".join(part for part in (entry["purpose"], entry["ticket"]) if part)
        colour = "red" if entry["outcome"] == "refused" else "green"
        row = [
            str(entry["index"]),
            when,
            entry["name"] or entry["actor"],
            entry["organisation"],
            entry["action"],
            what,
            why,
            f"[{colour}]{entry['outcome']}[/]",
        ]
        table.add_row(*row)
    return table
