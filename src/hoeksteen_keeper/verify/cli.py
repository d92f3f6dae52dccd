"""
`hoeksteen-verify`: check an evidence bundle or a copied log, offline, with the standard library and `cryptography` alone.

Exit status: 0 verified (a bundle: complete, and cosigned as asked for), 1 not, 2 wrong use.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hoeksteen_keeper.verify.bundle import Verdict, check_bundle
from hoeksteen_keeper.verify.formats import Invalid, Key, read_key
from hoeksteen_keeper.verify.tilelog import check_log

_COLUMNS = ("time", "who", "did", "category", "why", "grant", "outcome")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    a_log = given[:1] == ["log"]
    options = _parser(a_log).parse_args(given[1:] if a_log else given)
    try:
        keys, witnesses = [_key(text) for text in options.key], [_key(text) for text in options.witness]
        wanted = len(witnesses) if options.cosignatures is None else options.cosignatures
        if a_log:
            head, beyond = check_log(options.path, keys, witnesses)
            answer: dict[str, Any] = {"verified": True, "origin": head.origin, "entries": head.size, "root": head.root.hex(), "files_beyond": beyond}
            lines = [f"The log {head.origin} is whole: {head.size} entries, root {head.root.hex()}."]
            lines += [f"{beyond} files lie beyond the signed tree and prove nothing."] if beyond else []
            return _say(options.json, answer, head.cosigned, wanted, lines)
        verdict = check_bundle(options.path.read_bytes(), keys, witnesses)
        answer = {"verified": True, "complete": verdict.complete, "verdict": "complete" if verdict.complete else "partial", **asdict(verdict)}
        return _say(options.json, answer, verdict.cosigned, wanted, _told(verdict))
    except (Invalid, OSError) as error:
        if options.json:
            sys.stdout.write(json.dumps({"verified": False, "problem": str(error)}) + "\n")
        sys.stderr.write(f"NOT VERIFIED. {_plain(str(error))}\n")
        return 1


def _parser(a_log: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hoeksteen-verify log" if a_log else "hoeksteen-verify", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if a_log:
        parser.add_argument("path", type=Path, metavar="DIRECTORY", help="a copy of a log: checkpoint, tile/, and perhaps body/ and chunk/")
    else:
        parser.add_argument("path", type=Path, metavar="BUNDLE", help="an evidence bundle; or the word `log` and a directory, to check a copied log")
    parser.add_argument(
        "--key", action="append", required=True, metavar="KEY", help="the log's public key, `name+id+base64`, or a file that holds it"
    )
    parser.add_argument("--witness", action="append", default=[], metavar="KEY", help="the public key of a witness that you trust; may be repeated")
    parser.add_argument("--cosignatures", type=int, metavar="N", help="how many of these witnesses must have cosigned (all)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    return parser


def _key(text: str) -> Key:
    try:
        return read_key(text if "+" in text and not Path(text).exists() else Path(text).read_text("utf-8"))
    except UnicodeDecodeError:
        raise Invalid("What was given as a key is no text.") from None


def _plain(text: str) -> str:
    """Show what somebody else wrote so that it does not steer the reader's terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _instant(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):  # its witness signed a time that no calendar has
        return f"second {seconds}"


def _say(as_json: bool, answer: dict[str, Any], cosigned: dict[str, int], wanted: int, lines: list[str]) -> int:
    witnessed = len(cosigned) >= wanted
    good = witnessed and answer.get("complete", True)
    if as_json:
        sys.stdout.write(json.dumps({**answer, "cosigned": cosigned, "witnessed": bool(cosigned) and witnessed, "exit": 0 if good else 1}) + "\n")
        return 0 if good else 1
    for name, seconds in cosigned.items():
        lines.append(f"Cosigned by {name} at {_instant(seconds)}.")
    if not cosigned or not witnessed:
        lines.append(
            f"UNWITNESSED: {len(cosigned)} of the {wanted} cosignatures asked for. The log's keeper alone says that there is no other version of it."
        )
    lines.append("VERIFIED." if good else "NOT VERIFIED.")
    sys.stdout.write("\n".join(map(_plain, lines)) + "\n")
    return 0 if good else 1


def _told(verdict: Verdict) -> list[str]:
    rows = [
        {
            "time": row["time"][:19].replace("T", " "),
            "who": f"{row['name'] or row['actor']} ({row['organisation']}{', ' + row['country'] if row['country'] else ''})",
            "did": row["action"],
            "category": row["category"] + (" (masked)" if row["masked"] else ""),
            "why": " ".join(part for part in (row["purpose"], row["ticket"]) if part),
            "grant": f"{row['grant'][:13]} by {', '.join(row['approved_by']) or '?'}" if row["grant"] else "",
            "outcome": row["outcome"],
        }
        for row in verdict.rows
    ]
    widths = {name: max([len(name), *(len(row[name]) for row in rows)]) for name in _COLUMNS}
    table = ["  ".join(row[name].ljust(widths[name]) for name in _COLUMNS).rstrip() for row in [{name: name for name in _COLUMNS}, *rows]]
    covered = f"from {verdict.since or 'the beginning'} to {verdict.until or 'the end of the signed log'}"
    lines = [*table, "", f"Log {verdict.origin}, {verdict.size} entries. Covered: entries {verdict.first} to {verdict.last - 1}, {covered}."]
    if verdict.complete:
        tested = f"all {verdict.last - verdict.first} entries were tested"
        return [*lines, f"COMPLETE: {tested}; {len(rows)} are about the subject of this bundle, and all of them are shown."]
    return [*lines, f"PARTIAL: {len(verdict.missing)} entries are withheld, the first is {verdict.missing[0]}."]


if __name__ == "__main__":
    sys.exit(main())
