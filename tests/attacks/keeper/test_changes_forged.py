"""A signature counts for what was shown and for nothing else: not for another change, not for a grant, and not without a passkey."""

import pytest

from fixtures.keeper import RunningKeeper, new_subject
from fixtures.pages import Browser, base64url
from hoeksteen_keeper.client import KeeperInvalid

CONTENT = {"kind": "organisation", "organisation": "integrator", "name": "Integrator", "country": "BE"}


def test_a_passkey_signature_over_another_digest_signs_no_change(own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    chris, dewi = Browser(keeper), Browser(keeper)
    passkey, others = chris.with_passkey("chris.smit"), dewi.with_passkey("dewi.hoekstra")
    change, other = (keeper.client("chris.smit").propose_change(content=CONTENT, reason=reason) for reason in ("CHG-1", "CHG-2"))
    grant = keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=[new_subject()], ticket="T", minutes=5)
    path, challenge = f"/changes/{change['id']}", base64url(bytes.fromhex(change["digest"]))
    assert chris.json(f"{path}/options").json()["challenge"] == challenge
    for digest in (other["digest"], grant["digest"]):
        signed = passkey.get(base64url(bytes.fromhex(digest)))
        assert chris.json(f"{path}/approve", digest=change["digest"], credential=signed).json()["reason"] == "signature_invalid"
        assert chris.json(f"{path}/approve", digest=digest, credential=signed).json()["reason"] == "digest_differs"
    right = passkey.get(challenge)
    assert chris.json(f"/approvals/{grant['id']}/approve", digest=grant["digest"], credential=right).json()["reason"] == "signature_invalid"
    for credential in ({}, "x", {**right, "rawId": base64url(b"unknown")}, passkey.get(challenge, flags=0x01)):  # the last: nobody was verified
        assert chris.json(f"{path}/approve", digest=change["digest"], credential=credential).json()["reason"] == "signature_invalid"
    assert dewi.json(f"{path}/approve", digest=change["digest"], credential=right).json()["reason"] == "signature_invalid"  # it is not hers
    assert keeper.client("chris.smit").change(change=change["id"])["approvals"] == []
    bodies = keeper.sql("SELECT convert_from(body, 'UTF8') FROM evidence.entry WHERE kind = 'review'")
    assert bodies.count('"outcome":"refused"') == 10  # each try is an entry

    assert chris.json(f"{path}/approve", digest=change["digest"], credential=passkey.get(challenge)).json() == {"state": "proposed"}
    again = chris.json(f"{path}/approve", digest=change["digest"], credential=passkey.get(challenge))
    assert again.json()["reason"] == "already_approved"
    assert dewi.json(f"{path}/approve", digest=change["digest"], credential=others.get(challenge)).json() == {"state": "in_force"}
    assert "in force" in dewi.get(path).text and 'id="approve"' not in dewi.get(path).text
    assert "integrator" in keeper.sql("SELECT organisation FROM access.organisation")


def test_who_may_not_sign_sees_no_change_and_refuses_none(keeper: RunningKeeper) -> None:
    change = keeper.client("chris.smit").propose_change(content={**CONTENT, "organisation": "never-there"}, reason="CHG <script>alert(1)</script>")
    path = f"/changes/{change['id']}"
    anna, tan = Browser(keeper).log_in("anna.dekker"), Browser(keeper).log_in("w.lim")  # an officer, but of the vendor
    for outsider in (anna, tan):
        assert "/changes" not in outsider.get("/approvals").text
        assert [outsider.get(page).status_code for page in ("/changes", path)] == [403, 403]
        assert outsider.json(f"{path}/options").status_code == outsider.form(f"{path}/refuse", reason="x").status_code == 403
    dewi = Browser(keeper).log_in("dewi.hoekstra")
    assert "<script>alert" not in dewi.get("/changes").text + dewi.get(path).text and "never-there" in dewi.get(path).text
    assert dewi.form(f"{path}/refuse", reason=" ").status_code == 400  # without a reason, none
    assert dewi.http.post(f"{path}/refuse", data={"reason": "forged", "_csrf_token": "x"}).status_code == 403
    assert dewi.form(f"{path}/refuse", reason="no need").status_code == 303
    assert keeper.client("dewi.hoekstra").change(change=change["id"])["state"] == "refused"
    with pytest.raises(KeeperInvalid, match="change_invalid"):
        keeper.client("dewi.hoekstra").refuse_change(change=change["id"], reason="")
