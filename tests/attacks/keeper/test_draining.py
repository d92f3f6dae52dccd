"""Draining the data one by one, in bulk, by searching, and through the side doors of masked views and traffic columns."""

import os
import struct
import threading
from uuid import UUID

import pytest

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen_keeper.client import KeeperInvalid, KeeperRefused, SealItem, Term

CARE = {"customer_on_the_line": True}


def sealed(keeper: RunningKeeper, count: int) -> list[tuple[UUID, bytes]]:
    subjects = [new_subject() for _ in range(count)]
    items = [SealItem(subject, {"family_name": "Jansen"}) for subject in subjects]
    return list(zip(subjects, keeper.client("bss").seal(purpose="migration", category="identity", items=items), strict=True))


def test_one_by_one(own_keeper: RunningKeeper) -> None:
    items, anna = sealed(own_keeper, 121), own_keeper.as_person("anna.dekker")
    for item in items[:120]:
        anna.reveal(purpose="care", category="identity", items=[item], context=CARE)
    with pytest.raises(KeeperRefused, match="limit_reached"):
        anna.reveal(purpose="care", category="identity", items=[items[120]], context=CARE)
    anna.reveal(purpose="care", category="identity", items=items[:120], context=CARE)  # whom she saw this hour she may see again
    with pytest.raises(KeeperRefused, match="limit_reached"):  # a new session is no new ceiling
        own_keeper.session("anna.dekker", fresh=True)
        own_keeper.as_person("anna.dekker").reveal(purpose="care", category="identity", items=[items[120]], context=CARE)
    refused = own_keeper.client("dewi.hoekstra").did_see(subject=items[120][0])
    assert [entry["outcome"] for entry in refused if entry["action"] == "reveal"] == ["refused", "refused"]


def test_many_at_once(own_keeper: RunningKeeper) -> None:
    """Parallel requests cannot both take the last place."""
    items, anna = sealed(own_keeper, 160), own_keeper.as_person("anna.dekker")
    seen: list[int] = []

    def drain(part: list[tuple[UUID, bytes]]) -> None:
        for item in part:
            try:
                seen.append(len(anna.reveal(purpose="care", category="identity", items=[item], context=CARE)))
            except KeeperRefused as error:
                assert error.reason == "limit_reached"

    threads = [threading.Thread(target=drain, args=(items[start::8],)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(seen) == 120


def test_searching_on_and_on(own_keeper: RunningKeeper) -> None:
    anna = own_keeper.as_person("anna.dekker")
    for number in range(120):
        anna.search(purpose="care", index="phone", value=f"316{number:08}", context=CARE)
    with pytest.raises(KeeperRefused, match="limit_reached"):
        anna.search(purpose="care", index="surname_postcode", value="Beroemd|1234AB", context=CARE)


def test_searching_without_permission_or_reason(keeper: RunningKeeper) -> None:
    with pytest.raises(KeeperRefused, match="no_reason"):
        keeper.as_person("anna.dekker").search(purpose="care", index="surname_postcode", value="Beroemd|1234AB")
    for actor in ("m.tan", "chris.smit", "dewi.hoekstra", "emma.bakker"):
        with pytest.raises(KeeperRefused, match="no_permission"):
            keeper.client(actor).search(purpose="care", index="surname_postcode", value="Beroemd|1234AB", context=CARE)
    with pytest.raises(KeeperRefused, match="no_grant"):
        keeper.client("desk").search(purpose="care", index="surname_postcode", value="Beroemd|1234AB", context=CARE)
    with pytest.raises(KeeperInvalid, match="unknown_index"):
        keeper.as_person("anna.dekker").search(purpose="care", index="family_name", value="Beroemd", context=CARE)


def test_a_search_for_somebody_famous_is_found_in_the_log_by_them(keeper: RunningKeeper) -> None:
    famous = new_subject()
    terms = {"surname_postcode": [Term("Beroemd|9999ZZ")]}
    keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(famous, {"family_name": "Beroemd"}, terms)])
    hits = keeper.as_person("anna.dekker").search(purpose="care", index="surname_postcode", value="beroemd|9999 zz", context={"ticket": "T-7"})
    assert [hit.subject for hit in hits] == [famous]
    looked = [entry for entry in keeper.client("dewi.hoekstra").did_see(subject=famous) if entry["action"] == "search"]
    assert [(entry["actor"], entry["ticket"], entry["organisation"]) for entry in looked] == [("anna.dekker", "T-7", "lage-landen")]


def test_a_data_subject_asks_for_others(keeper: RunningKeeper) -> None:
    (mine, other) = sealed(keeper, 2)
    keeper.add_customer("k1001", mine[0])
    me = keeper.as_person("k1001", "mydata")
    assert keeper.session("k1001", "mydata").subject == mine[0]
    assert me.reveal(purpose="own_data", category="identity", items=[mine])[0].fields == {"family_name": "Jansen"}
    for items in ([other], [mine, other]):
        with pytest.raises(KeeperRefused, match="not_own_data"):
            me.reveal(purpose="own_data", category="identity", items=items)
    for purpose in ("care", "billing"):
        with pytest.raises(KeeperRefused, match="no_permission"):
            me.reveal(purpose=purpose, category="identity", items=[mine], context=CARE)
    with pytest.raises(KeeperRefused, match="no_permission"):
        me.did_see(subject=other[0])
    with pytest.raises(KeeperRefused, match="no_permission"):
        me.did_see(actor="anna.dekker")
    with pytest.raises(KeeperRefused, match="not_own_data|no_permission"):
        me.search(purpose="own_data", index="phone", value="31612345678")
    gave_the_log_in = {"chris.smit", "dewi.hoekstra"}
    assert {entry["actor"] for entry in me.did_see(subject=mine[0])} == {"bss", "k1001"} | gave_the_log_in
    assert {row["actor"] for row in me.could_see(subject=mine[0])["actors"]} >= {"k1001", "anna.dekker", "bss"}


def test_the_order_and_number_of_masked_answers_say_nothing(keeper: RunningKeeper) -> None:
    subjects, bss = [new_subject() for _ in range(4)], keeper.client("bss")
    names = ("Zwart", "Aalders", "Zwart", "Mulder")
    items = [
        SealItem(subject, {"family_name": name, "birth_date": f"19{70 + i}-05-0{i + 1}"})
        for i, (subject, name) in enumerate(zip(subjects, names, strict=True))
    ]
    blobs = bss.seal(purpose="migration", category="identity", items=items)
    grant = keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=subjects, ticket="T", minutes=5)
    keeper.approve(grant["id"])
    shuffled = [2, 0, 3, 1]
    seen = keeper.client("m.tan").reveal(purpose="support", category="identity", items=[(subjects[i], blobs[i]) for i in shuffled])
    assert [revealed.subject for revealed in seen] == [subjects[i] for i in shuffled]
    assert [revealed.fields["family_name"] for revealed in seen] == ["Z••••", "Z••••", "M••••", "A••••"]
    assert len({len(blob) for blob in blobs}) == 1  # a blob's length does not tell a long name from a short one


class TestTraffic:
    def test_blocks_swapped_between_records_columns_and_months(self, keeper: RunningKeeper) -> None:
        bss, records, subject = keeper.client("bss"), os.urandom(32), new_subject()
        blocks = bss.traffic_seal(
            month="2026-10", column="other_party", records=records, subjects=subject.bytes * 2, values=struct.pack("<2Q", 31611111111, 31622222222)
        )
        shared = {"purpose": "billing", "month": "2026-10", "column": "other_party", "records": records, "subject": subject}
        assert struct.unpack("<2Q", bss.traffic_open(**shared, blocks=blocks)) == (31611111111, 31622222222)
        bss.traffic_seal(month="2026-11", column="other_party", records=records[:16], subjects=subject.bytes, values=bytes(8))
        for changed in (
            {"blocks": blocks[24:] + blocks[:24]}, {"blocks": blocks, "subject": new_subject()},
            {"blocks": blocks, "records": records[16:] + records[:16]}, {"blocks": blocks, "column": "cell"},
            {"blocks": blocks, "month": "2026-11"}, {"blocks": bytes(48)},
        ):  # fmt: skip
            with pytest.raises(KeeperInvalid, match="block_invalid"):
                bss.traffic_open(**{**shared, **changed})

    def test_sealing_a_guess_says_nothing_about_what_is_sealed(self, keeper: RunningKeeper) -> None:
        bss, subject = keeper.client("bss"), new_subject()
        guess = {"month": "2026-10", "column": "other_party", "records": bytes(16), "subjects": subject.bytes, "values": bytes(8)}
        assert bss.traffic_seal(**guess)[8:] != bss.traffic_seal(**guess)[8:]

    def test_a_month_that_was_destroyed_is_gone(self, keeper: RunningKeeper) -> None:
        bss, records, subject = keeper.client("bss"), os.urandom(16), new_subject()
        sealed = {"column": "other_party", "records": records, "subjects": subject.bytes, "values": struct.pack("<Q", 31611111111)}
        blocks = bss.traffic_seal(month="2025-01", **sealed)
        bss.deduplication_tokens(month="2025-01", values=bytes(8))
        with pytest.raises(KeeperRefused, match="no_permission"):
            keeper.client("chris.smit").destroy_month(month="2025-01")
        assert keeper.client("dewi.hoekstra").destroy_month(month="2025-01") == 2
        for call in (
            lambda: bss.traffic_open(purpose="billing", month="2025-01", column="other_party", records=records, blocks=blocks, subject=subject),
            lambda: bss.traffic_seal(month="2025-01", **sealed),
            lambda: bss.deduplication_tokens(month="2025-01", values=bytes(8)),
        ):
            with pytest.raises(KeeperRefused, match="key_destroyed"):
                call()
        assert keeper.client("dewi.hoekstra").destroy_month(month="2024-01") == 0
        with pytest.raises(KeeperRefused, match="key_destroyed"):  # a month that never had a key gets none afterwards
            bss.traffic_seal(month="2024-01", **sealed)

    def test_a_shredded_subjects_traffic_is_refused_at_once(self, keeper: RunningKeeper) -> None:
        bss, records, subject = keeper.client("bss"), os.urandom(16), new_subject()
        blocks = bss.traffic_seal(month="2026-10", column="cell", records=records, subjects=subject.bytes, values=struct.pack("<Q", 5))
        shared = {"purpose": "billing", "month": "2026-10", "column": "cell", "records": records, "blocks": blocks, "subject": subject}
        assert bss.traffic_open(**shared) == struct.pack("<Q", 5)
        keeper.client("dewi.hoekstra").shred(subject=subject, category="traffic", reason="request")
        with pytest.raises(KeeperRefused, match="shredded"):
            bss.traffic_open(**shared)

    def test_care_sees_the_last_two_digits_of_the_other_party(self, keeper: RunningKeeper) -> None:
        records, subject = os.urandom(16), new_subject()
        blocks = keeper.client("bss").traffic_seal(
            month="2026-10", column="other_party", records=records, subjects=subject.bytes, values=struct.pack("<Q", 31612345678)
        )
        seen = keeper.as_person("anna.dekker").traffic_open(
            purpose="care", month="2026-10", column="other_party", records=records, blocks=blocks, subject=subject, context=CARE
        )  # fmt: skip
        assert struct.unpack("<Q", seen) == (78,)
        with pytest.raises(KeeperRefused, match="no_permission"):
            keeper.client("m.tan").deduplication_tokens(month="2026-10", values=bytes(8))

    def test_each_record_counts_and_nobodys_records_need_a_grant(self, keeper: RunningKeeper) -> None:
        bss, tan, subject, nobody = keeper.client("bss"), keeper.client("m.tan"), new_subject(), UUID(int=0)
        grant = tan.request_grant(purpose="support", categories=["traffic"], subjects=[subject], ticket="T", minutes=5, subjects_max=3)["id"]
        keeper.approve(grant)
        shared = {"month": "2026-10", "column": "cell", "records": os.urandom(32)}
        for whose in (subject, nobody):
            blocks = bss.traffic_seal(**shared, subjects=whose.bytes * 2, values=bytes(16))
            if whose == subject:
                tan.traffic_open(purpose="support", **shared, blocks=blocks, subject=subject)
                with pytest.raises(KeeperRefused, match="limit_reached"):
                    tan.traffic_open(purpose="support", **shared, blocks=blocks, subject=subject)
        assert [entry["count"] for entry in keeper.client("dewi.hoekstra").did_see(subject=subject)] == [2, 2]
        assert bss.traffic_open(purpose="billing", **shared, blocks=blocks, subject=nobody) == bytes(16)
        with pytest.raises(KeeperRefused, match="no_grant"):
            keeper.as_person("anna.dekker").traffic_open(purpose="care", **shared, blocks=blocks, subject=nobody, context=CARE)

    def test_sealing_to_compare_is_counted_too(self, keeper: RunningKeeper) -> None:
        api = keeper.client("api")
        grant = api.request_grant(purpose="billing", categories=["traffic"], subjects=None, ticket="T", minutes=5, subjects_max=1)["id"]
        keeper.approve(grant)
        api.deduplication_tokens(month="2026-10", values=os.urandom(80))
        with pytest.raises(KeeperRefused, match="limit_reached"):
            api.deduplication_tokens(month="2026-10", values=bytes(8))
        with pytest.raises(KeeperRefused, match="limit_reached"):
            api.traffic_seal(month="2026-10", column="cell", records=bytes(16), subjects=bytes(16), values=bytes(8))
        seen = api.grant(grant=grant)
        assert (seen["used"], seen["sealed"]) == (0, 10)


def test_a_search_under_a_grant_counts_against_its_ceiling(keeper: RunningKeeper) -> None:
    asked = keeper.client("api").request_grant(purpose="care", categories=["contact"], subjects=None, ticket="T", minutes=5, subjects_max=3)
    keeper.approve(asked["id"])
    api = keeper.client("api")
    assert len(api.lookup(purpose="care", index="phone", values=["0611111111", "0622222222", "0633333333"])) == 3
    with pytest.raises(KeeperRefused, match="limit_reached"):
        api.lookup(purpose="care", index="phone", values=["0644444444"])


def test_terms_of_another_category_cannot_be_planted(keeper: RunningKeeper) -> None:
    with pytest.raises(KeeperInvalid, match="index_invalid"):
        keeper.client("bss").seal(
            purpose="migration", category="note", items=[SealItem(new_subject(), {"text": "x"}, {"iban": [Term("NL91ABNA0417164300")]})]
        )


def test_fields_of_another_category_cannot_be_slipped_in(keeper: RunningKeeper) -> None:
    for category, fields in (("note", {"iban": "NL91ABNA0417164300"}), ("identity", {"emails": []}), ("contact", {"": ""})):
        with pytest.raises(KeeperInvalid, match="fields_invalid"):
            keeper.client("bss").seal(purpose="migration", category=category, items=[SealItem(new_subject(), fields)])


def test_the_grant_that_covers_is_found_among_many(keeper: RunningKeeper) -> None:
    subjects, tan = [new_subject() for _ in range(22)], keeper.client("m.tan")
    blobs = keeper.client("bss").seal(
        purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "X"}) for subject in subjects]
    )
    for subject in subjects:
        keeper.approve(tan.request_grant(purpose="support", categories=["identity"], subjects=[subject], ticket="T", minutes=5)["id"])
    for subject, blob in zip(subjects, blobs, strict=True):
        assert tan.reveal(purpose="support", category="identity", items=[(subject, blob)])[0].masked
