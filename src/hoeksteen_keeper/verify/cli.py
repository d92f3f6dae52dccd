"""
`hoeksteen-verify`: check an evidence bundle or a copied log, offline.

It needs the standard library of Python and `cryptography` alone.

Exit status: 0 verified (a bundle: complete, and cosigned as asked for), 1 not, 2 nothing was checked: wrong use, or what cannot be read.
"""

import argparse
import base64
import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hoeksteen_keeper.verify.bundle import Verdict, check_bundle
from hoeksteen_keeper.verify.formats import Invalid, Key, read_key
from hoeksteen_keeper.verify.tilelog import check_log

_WIDTH = 80
_INDENT = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    a_log = given[:1] == ["log"]
    options = _parser(a_log).parse_args(given[1:] if a_log else given)
    try:
        keys, witnesses = [_key(text) for text in options.key], [_key(text) for text in options.witness]
    except (Invalid, OSError) as error:
        return _failed(options.json, error, checked=False)
    try:
        wanted = len(witnesses) if options.cosignatures is None else options.cosignatures
        if a_log:
            head, beyond = check_log(options.path, keys, witnesses)
            answer: dict[str, Any] = {"verified": True, "origin": head.origin, "entries": head.size, "root": head.root.hex(), "files_beyond": beyond}
            told = [("log", head.origin), ("entries", str(head.size)), ("root", base64.b64encode(head.root).decode())]
            told += [("beyond", f"{beyond} files lie beyond the signed tree and prove nothing.")] if beyond else []
            return _say(
                options.json, answer, head.cosigned, wanted, [*_wrapped(told), "", *_wrapped([("WHOLE", "each file is what the root says.")])]
            )
        verdict = check_bundle(options.path.read_bytes(), keys, witnesses)
        answer = {"verified": True, "complete": verdict.complete, "verdict": "complete" if verdict.complete else "partial", **asdict(verdict)}
        return _say(options.json, answer, verdict.cosigned, wanted, _told(verdict))
    except (Invalid, OSError) as error:
        return _failed(options.json, error, checked=isinstance(error, Invalid))


def _failed(as_json: bool, error: Exception, *, checked: bool) -> int:
    """Say what does not hold, or what kept it from being checked."""
    problem = f"cannot read {error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
    if as_json:
        sys.stdout.write(json.dumps({"verified": False, "checked": checked, "problem": problem}) + "\n")
    sys.stderr.write(
        "\n".join(
            textwrap.wrap(
                f"{'NOT VERIFIED.' if checked else 'NOTHING CHECKED:'} {_plain(problem)}", _WIDTH, break_long_words=False, break_on_hyphens=False
            )
        )
        + "\n"
    )
    return 1 if checked else 2


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
    stated = [("cosigned", f"by {name} at {_instant(seconds)}") for name, seconds in cosigned.items()]
    if not cosigned or not witnessed:
        asked = f"{len(cosigned)} of the {wanted} cosignatures asked for" if wanted else "you asked for no cosignature (--witness)"
        stated.append(("UNWITNESSED", f"{asked}. The log's keeper alone says that there is no other version of it."))
    sys.stdout.write("\n".join([*lines, *_wrapped(stated), "VERIFIED." if good else "NOT VERIFIED."]) + "\n")
    return 0 if good else 1


def _told(verdict: Verdict) -> list[str]:
    lines = [line for row in verdict.rows for line in (*_row(row), "")]
    count = verdict.end - verdict.first
    lines += _wrapped(
        [
            ("log", f"{verdict.origin}, signed at {verdict.size} entries"),
            ("covered", f"{count} entries, {verdict.first} to {verdict.end - 1}" if count else "nothing"),
            ("from", verdict.since or "the beginning of the log"),
            ("to", verdict.until or "the end of the signed log"),
        ]
    )
    if "#" in verdict.origin:
        text = "this log follows another that ended; what happened before is in that one, and entry 0 of this one says why (kind `break`)."
        lines += _wrapped([("NEW LOG", text)])
    if verdict.complete:
        said = ("COMPLETE", f"all {count} entries were tested; {len(verdict.rows)} are about the subject of this bundle, and all of them are shown.")
    else:
        said = ("PARTIAL", f"{len(verdict.missing)} entries are withheld, the first is {verdict.missing[0]}.")
    return [*lines, "", *_wrapped([said])]


def _row(row: dict[str, Any]) -> list[str]:
    """Tell one entry: when, what and how it ended in the first line, then who, why and under which grant."""
    what = row["kind"] if row["kind"] not in ("disclosure", row["action"]) else ""
    did = " ".join(part for part in (what, row["action"], row["category"], "(masked)" if row["masked"] else "") if part)
    among = f", among {row['count']} people" if row["count"] > 1 else ""
    employer = ", ".join(part for part in (row["organisation"], row["country"]) if part)
    who = (row["name"] or row["actor"] or "the keeper") + (f" ({employer})" if employer else "")
    told = [
        (f"#{row['index']}", f"{row['time'][:19].replace('T', ' ')} UTC   {did}: {row['outcome']}{among}"),
        ("who", who + (f", as {row['actor']}" if row["name"] else "")),
        ("why", " ".join(part for part in (row["purpose"], row["ticket"]) if part)),
        ("grant", f"{row['grant']}" + (f" by {', '.join(row['approved_by'])}" if row["approved_by"] else "") if row["grant"] else ""),
    ]
    return _wrapped([(label, text) for label, text in told if text])


def _wrapped(told: Sequence[tuple[str, str]]) -> list[str]:
    """Give lines of at most 80 columns, each text beside its label; what the log says must not steer the reader's terminal."""
    return [line for label, text in told for line in _paragraph(label, _plain(text))]


def _paragraph(label: str, text: str) -> Iterator[str]:
    beside = label.ljust(_INDENT) if len(label) < _INDENT else f"{label} "
    yield from textwrap.wrap(text, _WIDTH, initial_indent=beside, subsequent_indent=" " * _INDENT, break_on_hyphens=False)


if __name__ == "__main__":
    sys.exit(main())
