"""The calls about grants and about people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from hoeksteen_keeper._link import load_key
from hoeksteen_keeper.client.connected import Connected


class ControlCalls(Connected):
    """Ask for grants, decide on them, stop people, and let them in."""

    def request_grant(
        self, *, purpose: str, categories: Sequence[str], subjects: Sequence[UUID] | None, ticket: str, minutes: int,
        unmasked: bool = False, subjects_max: int | None = None, per_hour: int | None = None, per_day: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """
        Ask for a grant as the actor of this client; two people of the operator must approve it.

        :param subjects: whose data; None for anybody's, which needs `subjects_max`
        :param per_hour: openings, as `per_day`; without them a person gets 120 and 600, a service `subjects_max`
        :returns: the grant: id, state, asker, organisation, purpose, categories, ticket, digest, canonical, approvals, valid_from, valid_to, ...
        """
        return dict(self._call("grants/request", {
            "purpose": purpose, "categories": list(categories), "subjects": None if subjects is None else [subject.bytes for subject in subjects],
            "ticket": ticket, "minutes": minutes, "unmasked": unmasked, "subjects_max": subjects_max,
            "per_hour": per_hour, "per_day": per_day,
        }))  # fmt: skip

    def break_glass(
        self, *, purpose: str, categories: Sequence[str], subjects: Sequence[UUID], reason: str, minutes: int, unmasked: bool = False
    ) -> dict[str, Any]:  # fmt: skip
        """
        Take access at once, to at most 50 people for at most an hour; it is loud, and reviewed afterwards.

        :raises KeeperRefused: `no_permission`, `step_up_needed`, or `review_overdue`
        """
        return dict(self._call("grants/break-glass", {
            "purpose": purpose, "categories": list(categories), "subjects": [subject.bytes for subject in subjects], "reason": reason,
            "minutes": minutes, "unmasked": unmasked,
        }))  # fmt: skip

    def review_break_glass(self, *, grant: str, verdict: str, reason: str) -> dict[str, Any]:
        """
        Say whether glass was broken for good reason: `ok`, or `misuse`, which stops the asker.

        :raises KeeperRefused: `reviewer_is_asker` or `review_done`
        """
        return dict(self._call("grants/review", {"grant": grant, "verdict": verdict, "reason": reason}))

    def grants(self, *, state: str | None = None) -> list[dict[str, Any]]:
        """
        Give the grants that the actor may see, newest first: all of them for approvers, otherwise the actor's own.

        :param state: `requested`, `running`, `refused`, `revoked` or `expired`
        """
        return list(self._call("grants/list", {"state": state}))

    def grant(self, *, grant: str) -> dict[str, Any]:
        """Give one grant; `canonical` is what approvers sign the SHA-256 of."""
        return dict(self._call("grants/show", {"grant": grant}))

    def approve_grant(self, *, grant: str, digest: str, key_path: Path | None = None) -> dict[str, Any]:
        """
        Approve a grant by signing the SHA-256 digest of its canonical form with a key that the approver holds.

        :param digest: hexadecimal, of the canonical grant that the approver has read
        :param key_path: the approver's Ed25519 key; None for the key of this client
        :raises KeeperRefused: when the approver is the asker, not of the operator, or the key is not theirs
        """
        signature = load_key(key_path or self._link.key_path).sign(bytes.fromhex(digest))
        return dict(self._call("grants/approve", {"grant": grant, "digest": bytes.fromhex(digest), "signature": signature}))

    def refuse_grant(self, *, grant: str, reason: str) -> dict[str, Any]:
        """Refuse a grant that was asked for."""
        return dict(self._call("grants/refuse", {"grant": grant, "reason": reason}))

    def revoke_grant(self, *, grant: str, reason: str) -> dict[str, Any]:
        """End a running grant at once."""
        return dict(self._call("grants/revoke", {"grant": grant, "reason": reason}))

    def propose_change(self, *, content: Mapping[str, Any], reason: str) -> dict[str, Any]:
        """
        Propose a change of who may do what; it holds once two people have signed it.

        :param content: its `kind` and what belongs to that kind (`access/change_kinds.py`, docs/formats.md)
        :returns: the change: id, kind, state, content, canonical, digest, approvals, ...
        """
        return dict(self._call("changes/propose", {"content": dict(content), "reason": reason}))

    def changes(self) -> list[dict[str, Any]]:
        """Give the changes that were proposed, those that wait first, then the newest."""
        return list(self._call("changes/list", {}))

    def change(self, *, change: str) -> dict[str, Any]:
        """Give one change; `canonical` is what people sign the SHA-256 of."""
        return dict(self._call("changes/show", {"change": change}))

    def approve_change(self, *, change: str, digest: str) -> dict[str, Any]:
        """
        Sign the SHA-256 of a change's canonical form with the key of this client.

        :raises KeeperRefused: `already_approved`, `approver_not_operator`, `change_over`, `digest_differs`, `last_officers`, `own_change` or
            `signature_invalid`
        """
        signature = load_key(self._link.key_path).sign(bytes.fromhex(digest))
        return dict(self._call("changes/approve", {"change": change, "digest": bytes.fromhex(digest), "signature": signature}))

    def refuse_change(self, *, change: str, reason: str) -> dict[str, Any]:
        """Refuse a change that was proposed."""
        return dict(self._call("changes/refuse", {"change": change, "reason": reason}))

    def enter_decision(self, *, text: bytes, signature: bytes) -> dict[str, Any]:
        """
        Have the signature of a decision checked and entered into the log.

        :param text: JSON of the type `hoeksteen decision` that names `by`; what is signed is its SHA-256
        :returns: actor, roles and digest (hexadecimal): who signed it, as the keeper knows them
        :raises KeeperRefused: `approver_not_operator`, `signature_invalid`, `actor_blocked` or `organisation_blocked`
        """
        return dict(self._call("decisions/enter", {"text": text, "signature": signature}))

    def kill(self, *, scope: str, target: str, reason: str) -> None:
        """
        Stop a session, an actor or an organisation, from the next request on.

        :param scope: `session`, `actor` or `organisation`
        :param target: the session's id, the actor or the organisation
        """
        self._call("kill", {"scope": scope, "target": target, "reason": reason})

    def add_data_subject(self, *, actor: str, name: str, subject: UUID, password: str, totp_secret: str) -> None:
        """
        Prepare a customer's log-in that is bound to their own data; it works once a second person confirms it.

        :param actor: the log-in name; like `name` it stands in the log, so a pseudonym such as a customer number, never a person's name
        """
        body = {"actor": actor, "name": name, "subject": subject.bytes, "password": password, "totp_secret": totp_secret}
        self._call("actors/data-subject", body)

    def confirm_actor(self, *, actor: str) -> None:
        """
        Let a customer log in whom another person added.

        :raises KeeperRefused: `same_person`
        """
        self._call("actors/confirm", {"actor": actor})

    def log_in_code(self) -> str:
        """Give the one-time code with which a person who proves a key logs in on the keeper's pages."""
        return str(self._call("log-in-code", {}))

    def passkey_ticket(self) -> str:
        """Give the one-time code with which a person who proves a key registers a passkey beside it."""
        return str(self._call("passkey-ticket", {}))
