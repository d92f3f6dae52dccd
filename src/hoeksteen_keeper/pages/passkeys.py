"""
Passkeys (WebAuthn): registering one, and approving a grant with one.

A log-in by password and code registers nothing: a ticket is needed that only the proof of an approval key gives. For an approval the
challenge is the SHA-256 of the canonical grant, so the authenticator's signature is over exactly that grant.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from hoeksteen_keeper.access.actors import Actors, Passkey
from hoeksteen_keeper.access.model import Actor
from hoeksteen_keeper.errors import KeeperRefused

RP_ID = "keeper.localhost"


def registration_options(actors: Actors, actor: Actor, *, challenge: bytes) -> dict[str, Any]:
    """Give what the browser needs to make a passkey."""
    held = [PublicKeyCredentialDescriptor(id=passkey.credential) for passkey in actors.passkeys(actor.actor)]
    options = generate_registration_options(
        rp_id=RP_ID, rp_name="Hoeksteen keeper", user_name=actor.actor, user_id=actor.actor.encode(), user_display_name=actor.name,
        challenge=challenge,
        exclude_credentials=held,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )  # fmt: skip
    return dict(json.loads(options_to_json(options)))


def register(actors: Actors, actor: Actor, *, credential: Mapping[str, Any], challenge: bytes, origin: str) -> str:
    """
    Add the passkey that the browser made, and give its name.

    :raises KeeperRefused: `signature_invalid`, when the answer is not to this challenge and origin
    """
    try:
        made = verify_registration_response(
            credential=dict(credential), expected_challenge=challenge, expected_rp_id=RP_ID, expected_origin=origin, require_user_verification=True
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError) as error:
        raise KeeperRefused("signature_invalid", "The passkey's answer does not fit.") from error
    return actors.add_passkey(actor.actor, credential=made.credential_id, public_key=made.credential_public_key, sign_count=made.sign_count)


def log_in_options(*, challenge: bytes) -> dict[str, Any]:
    """Give what the browser needs to have any passkey of this origin sign a challenge: its holder need not say who they are."""
    options = generate_authentication_options(rp_id=RP_ID, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED)
    return dict(json.loads(options_to_json(options)))


def approval_options(actors: Actors, actor: Actor, *, digest: bytes) -> dict[str, Any]:
    """Give what the browser needs to sign a grant's digest with one of the approver's passkeys."""
    held = [PublicKeyCredentialDescriptor(id=passkey.credential) for passkey in actors.passkeys(actor.actor)]
    options = generate_authentication_options(
        rp_id=RP_ID, challenge=digest, allow_credentials=held, user_verification=UserVerificationRequirement.REQUIRED
    )  # fmt: skip
    return dict(json.loads(options_to_json(options)))


def challenge_of(credential: Mapping[str, Any]) -> bytes:
    """
    Read which challenge the browser says was signed; whether it was, only the signature shows.

    :raises KeeperRefused: `passkey_refused`
    """
    try:
        return _raw(json.loads(_raw(credential["response"]["clientDataJSON"]))["challenge"])
    except (ValueError, KeyError, TypeError) as error:
        raise KeeperRefused("passkey_refused", "The browser's answer is not readable; begin again.") from error


def logged_in_by_passkey(actors: Actors, *, challenge: bytes, credential: Mapping[str, Any], origin: str) -> str:
    """
    Give whose passkey signed the challenge.

    :raises KeeperRefused: `passkey_refused`
    """
    try:
        return _verified(actors, challenge, credential, origin, actor=None).actor
    except _Unverified as error:
        raise KeeperRefused("passkey_refused", "No passkey that is known here signed this log-in.") from error


def verified_by_passkey(actors: Actors, actor: Actor, *, digest: bytes, credential: Mapping[str, Any], origin: str) -> tuple[str, dict[str, str]]:
    """
    Give the name of the approver's passkey that signed the digest, and what of the signature goes into the log.

    :raises KeeperRefused: `signature_invalid`
    """
    try:
        passkey = _verified(actors, digest, credential, origin, actor=actor.actor)
    except _Unverified as error:
        raise KeeperRefused("signature_invalid", "The signature is not by a passkey that the approver holds.") from error
    answer = credential["response"]
    parts = {"client_data": "clientDataJSON", "authenticator_data": "authenticatorData", "signature": "signature"}
    return passkey.key, {name: base64.b64encode(_raw(answer[of])).decode() for name, of in parts.items()}


class _Unverified(Exception):
    """The browser's answer is not a signature over the challenge by a passkey that it may be by."""


def _verified(actors: Actors, challenge: bytes, credential: Mapping[str, Any], origin: str, *, actor: str | None) -> Passkey:
    try:
        passkey = actors.passkey(_raw(credential["rawId"]))
        if passkey is None or actor not in (None, passkey.actor):
            raise _Unverified
        verified = verify_authentication_response(
            credential=dict(credential), expected_challenge=challenge, expected_rp_id=RP_ID, expected_origin=origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise _Unverified from error
    actors.count_passkey(passkey.key, verified.new_sign_count)
    return passkey


def _raw(text: object) -> bytes:
    return base64.urlsafe_b64decode(str(text) + "==")
