"""
The policies: Cedar text shipped as readable files, validated against their schema before anything is served, and decided on.

A policy may speak of roles, organisations and facts, never of a single actor. So a decision depends on nothing else, one decision
is valid for every equal actor, and remembering it is safe: what can change (a grant, a block) is in the facts, read anew each time.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib import resources
from itertools import accumulate
from typing import Any

import cedarpy
from cedarpy import pst

from hoeksteen_keeper.access.model import Actor, Facts, Verdict
from hoeksteen_keeper.errors import KeeperCorrupt, KeeperInvalid
from hoeksteen_keeper.evidence.log import Log
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.evidence.replay import StateAt, standing
from hoeksteen_keeper.store.database import Store
from hoeksteen_keeper.vault.categories import CATEGORIES

_LIMITED = ("reveal", "reveal_masked", "search", "seal")
_DECISIONS_MAX = 20_000
_TEXT_MAX, _DEPTH_MAX, _OPERATORS_MAX = 65_536, 100, 1_000
_COMMENTS_AND_TEXTS = re.compile(r'//[^\n]*|"(?:[^"\\]|\\.)*"')
_OPERATORS = re.compile(r"&&|\|\||\bif\b|!|-|\.")
_FACTS = r"(?:customer_on_the_line|ticket|strong)\b"
_ASSERTED = re.compile(rf"\b{_FACTS}")
_TURNED = re.compile(rf"!|\bif\b|[=<>]=?\s*context\s*\.\s*{_FACTS}|\b{_FACTS}\s*[=<>]")
_CONTEXT_WHOLE = re.compile(r"\bcontext\b(?!\s*\.)")
_CEILING = re.compile(r"[1-9][0-9]{0,8}")
Asker = tuple[str, tuple[str, ...], str, bool]


class Policies:
    """
    A set of policies that decides.

    :param text: Cedar policies
    :raises KeeperInvalid: `policy_invalid`, when the text does not parse, does not fit the schema, names a single actor, or lets data in or
        out without a limit
    """

    def __init__(self, text: str) -> None:
        self.text = text
        _require_readable(text)
        try:
            self.digest = digest_of(text)
            self._set = cedarpy.PolicySet.from_str(text)
            validation = cedarpy.validate_policies(text, _schema())
            policies = self._set.to_pst().static_policies
        except ValueError as error:
            raise KeeperInvalid("policy_invalid", f"The policies do not parse: {error}") from error
        if not validation.validation_passed:
            raise KeeperInvalid("policy_invalid", f"The policies do not fit the schema: {'; '.join(map(str, validation.errors))}")
        self._annotations = {name: dict(policy.annotations) for name, policy in policies.items()}
        for name, policy in policies.items():
            _check(policy, self._annotations[name])
        self._decide = lru_cache(maxsize=_DECISIONS_MAX)(self._decide_now)

    def decide(self, actor: Actor, action: str, resource: str, facts: Facts) -> Verdict:
        """
        Say whether actors like this one may do this now, and within which limits.

        :param resource: a category, or `keeper`
        """
        return self._decide(asker(actor), action, resource, facts)

    def decide_many(self, questions: Sequence[tuple[Asker, str, str, Facts]]) -> list[Verdict]:
        """Decide many questions in one call to Cedar."""
        if not questions:
            return []
        askers = {who: f"asker{number}" for number, who in enumerate(dict.fromkeys(question[0] for question in questions))}
        entities = [entity for who, name in askers.items() for entity in _entities(who, name)]
        requests = [
            {
                "principal": {"type": "Actor", "id": askers[who]},
                "action": {"type": "Action", "id": action},
                "resource": {"type": "Category" if resource in CATEGORIES else "Keeper", "id": resource},
                "context": asdict(facts),
            }
            for who, action, resource, facts in questions
        ]
        return [self._verdict(result) for result in cedarpy.is_authorized_batch(requests, self._set, entities)]

    def _decide_now(self, who: Asker, action: str, resource: str, facts: Facts) -> Verdict:
        return self.decide_many([(who, action, resource, facts)])[0]

    def _verdict(self, result: cedarpy.AuthzResult) -> Verdict:
        named = [self._annotations[policy] for policy in result.diagnostics.reasons]
        because = tuple(sorted(annotations.get("id", "") for annotations in named))
        if not result.allowed or result.diagnostics.errors:  # an evaluation error never allows
            return Verdict(False, because)
        limits = [(int(a["per_hour"]), int(a["per_day"])) for a in named if "per_hour" in a]
        return Verdict(True, because, max((hour for hour, _ in limits), default=None), max((day for _, day in limits), default=None))


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the policies, as the log holds it."""

    version: int
    digest: str
    text: str


class Shelf:
    """
    The policies in force: those of the log's latest `policy` entry, whatever else the keeper's database holds.

    Which entry that is, is read anew with each session (`Caller.state`). Within one process the policies never go back: an entry that was seen
    stays in force until a later one is.
    """

    def __init__(self, *, store: Store, log: Log) -> None:
        self._store, self._log = store, log

    def of(self, state: StateAt) -> Policies:
        """
        Give the policies in force at a moment.

        :raises KeeperCorrupt: `policy_changed`, when the log holds none, or others than it names
        """
        policy = state.policy
        if policy is None or digest_of(policy["text"]) != policy["digest"]:
            raise KeeperCorrupt("policy_changed", "The log holds no policies, or others than it names.")
        return policies_of(policy["text"])

    def latest(self) -> Version:
        """Give the policies in force; before the first start, version 0 without text."""
        policy = standing(self._log).policy
        return Version(policy["version"], policy["digest"], policy["text"]) if policy else Version(0, "", "")

    def text(self, digest: str) -> str:
        """Give the text that a digest names, of any version that was ever in force, or nothing."""
        state = standing(self._log)
        return next((str(told.detail["text"]) for told in state.history.line("policy", "", state.size) if told.detail["digest"] == digest), "")

    def in_force(self) -> Policies:
        """Give the policies in force, as the log has them now."""
        return policies_of(self.latest().text)

    def check(self, text: str) -> None:
        """:raises KeeperInvalid: `policy_invalid`, when the text is no valid policies, or nobody could decide anything under it any more"""
        if not governs(policies_of(text)):
            raise KeeperInvalid("policy_invalid", "Under these policies no officer could change policies, decide on grants and stop people any more.")

    def put_in_force(self, text: str) -> None:
        """Put policies in force, from the next request on; what is in force already stays so."""
        self.check(text)
        with self._store.transaction() as tx:
            tx.execute("SELECT pg_advisory_xact_lock(hashtext('access.policy'))")
            latest = self.latest()
            if latest.digest != digest_of(text):
                detail = {"version": latest.version + 1, "digest": digest_of(text), "text": text}
                self._log.append([Event(kind="policy", action="in_force", detail=detail)])


@lru_cache(maxsize=64)
def policies_of(text: str) -> Policies:
    """
    Give the policies that a text makes; the same ones for the same text, with what they have decided before.

    :raises KeeperInvalid: `policy_invalid`
    """
    return Policies(text)


@lru_cache(maxsize=64)
def digest_of(text: str) -> str:
    """Give what names a text of policies."""
    return hashlib.sha256(text.encode()).hexdigest()


def governs(policies: Policies) -> bool:
    """Say whether some officer of the operator may change policies, decide on grants and stop people."""
    officers = [("person", (role,), "", True) for role in ("privacy_officer", "security_officer")]
    questions = [(officer, action, "keeper", Facts(strong=True)) for officer in officers for action in ("change", "decide_grant", "kill")]
    allowed = [verdict.allowed for verdict in policies.decide_many(questions)]
    return all(allowed[:3]) or all(allowed[3:])


def asker(actor: Actor) -> Asker:
    """Give what policies may know of an actor; equal for equal actors."""
    return actor.kind, tuple(sorted(actor.roles)), actor.organisation.country, actor.organisation.operator


def shipped() -> Policies:
    """
    Give the policies that come with this program.

    :raises KeeperInvalid: when they are not valid
    """
    folder = resources.files("hoeksteen_keeper").joinpath("access", "policies")
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".cedar")), key=lambda entry: entry.name)
    return policies_of("\n".join(entry.read_text("utf-8") for entry in files))


@cache
def _schema() -> str:
    return resources.files("hoeksteen_keeper").joinpath("access", "policies", "keeper.cedarschema").read_text("utf-8")


def _require_readable(text: str) -> None:
    """Refuse what the parser does not survive, what hides from a reader, and what could-see could not answer for."""
    plain = _COMMENTS_AND_TEXTS.sub("", text)
    depth = max(accumulate((char in "([{") - (char in ")]}") for char in plain), default=0)
    if len(text) > _TEXT_MAX or depth > _DEPTH_MAX or len(_OPERATORS.findall(plain)) > _OPERATORS_MAX:
        raise KeeperInvalid(
            "policy_invalid", f"Policies have at most {_TEXT_MAX} characters, {_DEPTH_MAX} brackets within each other, and short conditions."
        )
    if not text.replace("\n", "").replace("\t", "").isprintable():
        raise KeeperInvalid("policy_invalid", "The policies hold characters that cannot be seen, or that change how the rest is shown.")
    for statement in plain.split(";"):
        for effect, clause, condition in _clauses(statement):
            widens = (effect, clause) in (("permit", "when"), ("forbid", "unless"))
            if _CONTEXT_WHOLE.search(condition) or (_ASSERTED.search(condition) and (not widens or _TURNED.search(condition))):
                raise KeeperInvalid(
                    "policy_invalid", "What a caller asserts (customer_on_the_line, ticket, strong) may only widen a permission, never its absence: "
                    "could-see counts it as true. Write it as `when` of a permit or `unless` of a forbid, without !, ==, or if.",
                )  # fmt: skip


def _clauses(statement: str) -> Iterator[tuple[str, str, str]]:
    """Give effect, `when` or `unless`, and condition of each clause of a policy without its texts and comments."""
    effect = next((word for word in re.findall(r"\w+", statement) if word in ("permit", "forbid")), "")
    parts = re.split(r"\b(when|unless)\b", statement)
    yield from ((effect, clause, condition) for clause, condition in zip(parts[1::2], parts[2::2], strict=True))


def _check(policy: pst.Template, annotations: dict[str, str]) -> None:
    if any(str(uid.type) in ("Actor", "Organisation") for uid in pst.entity_uids(policy)):
        raise KeeperInvalid(
            "policy_invalid", 'A policy names a single actor or organisation (Actor::"..."). Give actors a role or a grant; of organisations ask '
            "country and operator.",
        )  # fmt: skip
    if "id" not in annotations:
        raise KeeperInvalid("policy_invalid", f"The policy {policy.id} lacks an @id.")
    actions = {uid.id for uid in pst.entity_uids(policy.action)}
    to_limit = policy.effect == "permit" and (not actions or not actions.isdisjoint(_LIMITED))
    limited = annotations.get("limits") == "grant" or (all(_CEILING.fullmatch(annotations.get(name, "")) for name in ("per_hour", "per_day")))
    if to_limit and not limited:
        raise KeeperInvalid(
            "policy_invalid", f'The policy "{annotations["id"]}" lets data in or out without @per_hour and @per_day, or @limits("grant").'
        )


def _entities(who: Asker, name: str) -> list[dict[str, Any]]:
    kind, roles, country, operator = who
    organisation = {"type": "Organisation", "id": f"of {name}"}
    return [
        {"uid": organisation, "attrs": {"country": country, "operator": operator}, "parents": []},
        {
            "uid": {"type": "Actor", "id": name},
            "attrs": {"kind": kind, "organisation": {"__entity": organisation}},
            "parents": [{"type": "Role", "id": role} for role in roles],
        },
    ]
