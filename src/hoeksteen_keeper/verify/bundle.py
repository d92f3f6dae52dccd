"""Checking an evidence bundle: is what it shows real, and is it all?"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hoeksteen_keeper.verify.formats import LEAF, Invalid, Key, base64_bytes, leaf_hash, range_root, read_checkpoint, read_key, well_counted

FORMAT = "hoeksteen.evidence.bundle.v1"
_INDEX_DIGITS_MAX = 19
_BODY = {"kind", "actor", "organisation", "action", "category", "purpose", "grant", "outcome", "salt"}
_FIELDS = {"format", "log", "witnesses", "checkpoint", "subject_key", "first", "leaves", "proof", "chunks", "bodies", "facts"}


@dataclass(slots=True)
class Verdict:
    """
    What a bundle proves.

    :param complete: nothing about the subject is left out among the entries [first, end)
    :param missing: the indexes of entries about the subject, or of batches, that the bundle withholds
    :param since: the time after which every entry is covered; None: from the log's beginning
    :param until: the time before which every entry is covered; None: to the end of the signed log
    :param rows: the entries about the subject, oldest first
    """

    origin: str
    size: int
    first: int
    end: int
    since: str | None
    until: str | None
    cosigned: dict[str, int]
    missing: list[int] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return not self.missing


def check_bundle(raw: bytes, keys: Sequence[Key], witnesses: Sequence[Key]) -> Verdict:
    """
    Check every byte of a bundle against the log's key.

    :raises Invalid: when anything in it does not verify
    """
    bundle = _parse(raw)
    log = read_key(bundle["log"])
    if log not in keys:
        raise Invalid(f"The bundle is of the log {log.name}, whose key is not the one that you gave.")
    listed = [read_key(key) for key in bundle["witnesses"]]
    if len(set(bundle["witnesses"])) != len(listed):
        raise Invalid("A witness is listed twice.")
    head = read_checkpoint(bundle["checkpoint"].encode(), [log], witnesses, listed)
    first, leaves = bundle["first"], [base64_bytes(leaf) for leaf in bundle["leaves"]]
    if head.size or first or leaves or bundle["proof"]:
        root = range_root([leaf_hash(leaf) for leaf in leaves], first, head.size, [base64_bytes(item) for item in bundle["proof"]])
        if root != head.root:
            raise Invalid("The leaves do not belong to the signed tree.")
    parsed = {index: _read_leaf(leaf) for index, leaf in enumerate(leaves, first)}
    times = [leaf["time"].decode() for leaf in parsed.values()]
    if times != sorted(times):
        raise Invalid("The entries are not in the order of their times.")
    last = first + len(leaves)
    verdict = Verdict(
        head.origin,
        head.size,
        first,
        last,
        times[0] if first else None,
        times[-1] if last < head.size else None,
        head.cosigned,
    )
    about = _about(parsed, _decoded(bundle["chunks"]), base64_bytes(bundle["subject_key"]), verdict)
    bodies = _decoded(bundle["bodies"])
    if extra := set(bodies) - set(about):
        raise Invalid(f"The bundle opens entry {min(extra)}, which is not about the subject.")
    verdict.missing = sorted({*verdict.missing, *(index for index in about if index not in bodies)})
    facts = [_fact(fact, head.size, head.root) for fact in bundle["facts"]]
    if any(index >= following for (index, _), (following, _) in pairwise(facts)):
        raise Invalid("The facts are not in the order of their entries, each once.")
    opened = [(index, _open(index, parsed[index], bodies[index])) for index in about if index in bodies]
    verdict.rows = _rows(opened, parsed, sorted([*facts, *opened], key=lambda pair: pair[0]))
    return verdict


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        bundle = json.loads(raw)
        canonical = json.dumps(bundle, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Invalid("The bundle is not JSON.") from None
    # one spelling only, so that no byte can change without changing what is checked
    if canonical != raw or not isinstance(bundle, dict) or set(bundle) != _FIELDS or bundle["format"] != FORMAT or not _well_typed(bundle):
        raise Invalid("The bundle is not of the form described in docs/evidence.md.")
    return bundle


def _well_typed(bundle: dict[str, Any]) -> bool:
    texts = [bundle[name] for name in ("log", "checkpoint", "subject_key")]
    lists = [bundle[name] for name in ("witnesses", "leaves", "proof", "facts")]
    maps = [bundle["chunks"], bundle["bodies"]]
    if type(bundle["first"]) is not int or not all(isinstance(item, list) for item in lists) or not all(isinstance(item, dict) for item in maps):
        return False
    texts += [item for items in lists[:3] for item in items] + [item for items in maps for item in items.values()]
    for fact in bundle["facts"]:
        if (
            not isinstance(fact, dict)
            or set(fact) != {"index", "leaf", "body", "proof"}
            or type(fact["index"]) is not int
            or not isinstance(fact["proof"], list)
        ):
            return False
        texts += [fact["leaf"], fact["body"], *fact["proof"]]
    keys = [key for items in maps for key in items]
    return all(isinstance(text, str) for text in texts) and all(key.isascii() and key.isdigit() and len(key) <= _INDEX_DIGITS_MAX for key in keys)


def _decoded(items: Mapping[str, str]) -> dict[int, bytes]:
    found = {int(key): base64_bytes(value) for key, value in items.items()}
    if list(items) != sorted(str(key) for key in found):
        raise Invalid("An index is not written as it should be.")
    return found


def _read_leaf(leaf: bytes) -> dict[str, bytes]:
    match = LEAF.fullmatch(leaf)
    if match is None or not well_counted(bool(match["chunk"]), match["count"], len(match["tags"] or b"")):
        raise Invalid("A leaf is not of the log's form.")
    return {name: value for name, value in match.groupdict().items() if value is not None}


def _about(leaves: Mapping[int, dict[str, bytes]], chunks: Mapping[int, bytes], subject_key: bytes, verdict: Verdict) -> list[int]:
    """Test every entry for the subject's tag; note the batches whose tags are withheld."""
    about = []
    for index, leaf in leaves.items():
        tag = hmac.digest(subject_key, base64_bytes(leaf["nonce"].decode()), "sha256")
        if "chunk" in leaf:
            tags = chunks.get(index)
            if tags is None:
                verdict.missing.append(index)
                continue
            if hashlib.sha256(tags).digest() != base64_bytes(leaf["chunk"].decode()) or len(tags) != 32 * int(leaf["count"]):
                raise Invalid(f"The tags of entry {index} are not those that its leaf names.")
            found = any(tags[at : at + 32] == tag for at in range(0, len(tags), 32))
        else:
            found = tag in [base64_bytes(item) for item in json.loads(leaf["tags"])]
        if found:
            about.append(index)
    if stray := [index for index in chunks if "chunk" not in leaves.get(index, {})]:
        raise Invalid(f"The bundle has tags for entry {stray[0]}, which has none.")
    return about


def _open(index: int, leaf: Mapping[str, bytes], body: bytes) -> dict[str, Any]:
    if hashlib.sha256(body).digest() != base64_bytes(leaf["body"].decode()):
        raise Invalid(f"The body of entry {index} is not the one that its leaf names.")
    try:
        opened = json.loads(body)
    except (ValueError, RecursionError):
        opened = None
    if not isinstance(opened, dict) or set(opened) != {*_BODY, "detail"} or not isinstance(opened["detail"], dict):
        raise Invalid(f"The body of entry {index} is not of the log's form.")
    if not all(isinstance(opened[name], str) for name in _BODY):
        raise Invalid(f"A field of the body of entry {index} is no text.")
    return opened


def _fact(fact: Mapping[str, Any], size: int, root: bytes) -> tuple[int, dict[str, Any]]:
    """Check an entry that says who an actor or what a grant was: it stands outside the range, by an inclusion proof."""
    leaf = base64_bytes(fact["leaf"])
    proof = _in_order([base64_bytes(item) for item in fact["proof"]], fact["index"], size)
    if range_root([leaf_hash(leaf)], fact["index"], size, proof) != root:
        raise Invalid(f"Entry {fact['index']} does not belong to the signed tree.")
    return fact["index"], _open(fact["index"], _read_leaf(leaf), base64_bytes(fact["body"]))


def _in_order(path: list[bytes], index: int, size: int) -> list[bytes]:
    """Turn an audit path (RFC 6962: from the leaf upward) into the order of the leaves that its hashes stand for."""
    left, right, low, high = [], [], 0, size
    for item in reversed(path):
        middle = low + (1 << max(0, (high - low - 1).bit_length() - 1))
        if index < middle:
            right.append(item)
            high = middle
        else:
            left.append(item)
            low = middle
    return left + right[::-1]


def _rows(
    opened: Sequence[tuple[int, dict[str, Any]]], leaves: Mapping[int, dict[str, bytes]], facts: Sequence[tuple[int, dict[str, Any]]]
) -> list[dict[str, Any]]:
    names, places = (_by_name(facts, kind) for kind in ("actor", "organisation"))
    approvals = [(at, body["detail"]) for at, body in facts if body["kind"] == "approval" and body["outcome"] == "allowed"]
    rows = []
    for index, body in opened:
        leaf, detail = leaves[index], body["detail"]
        row = {name: body[name] for name in ("kind", "actor", "organisation", "category", "purpose", "grant", "outcome")}
        row |= {"index": index, "time": leaf["time"].decode(), "count": int(leaf["count"]), "action": body["action"] or body["kind"]}
        row |= {"ticket": _text(detail, "ticket") or None, "masked": bool(detail.get("masked", False))}
        employer = _text(names.get(body["actor"], {}), "organisation") or body["organisation"]
        row["organisation"] = employer if body["actor"] else ""  # an entry about a grant is filed under the asker's organisation
        row |= {"name": _text(names.get(body["actor"], {}), "name"), "country": _text(places.get(row["organisation"], {}), "country")}
        row["approved_by"] = [
            _text(item, "approver") for at, item in approvals if at < index and body["grant"] and item.get("grant") == body["grant"]
        ]
        rows.append(row)
    return rows


def _by_name(facts: Sequence[tuple[int, dict[str, Any]]], kind: str) -> dict[str, dict[str, Any]]:
    return {name: body["detail"] for _, body in facts if body["kind"] == kind and (name := _text(body["detail"], kind))}


def _text(detail: Mapping[str, Any], name: str) -> str:
    """Give a value that is shown, where it is text: who keeps the log may have written anything there."""
    value = detail.get(name)
    return value if isinstance(value, str) else ""
