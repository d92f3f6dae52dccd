"""Charging records as a network writes them, by a compiler of ASN.1 that shares nothing with the product's reader."""

from functools import cache
from pathlib import Path
from typing import Any

import asn1tools

OWN = "31699900001"


@cache
def _compiler() -> Any:
    return asn1tools.compile_files(str(Path(__file__).with_name("cdr.asn")), "ber")


def tbcd(digits: str) -> bytes:
    padded = digits + "f" * (len(digits) % 2)
    return bytes(int(padded[at + 1] + padded[at], 16) for at in range(0, len(padded), 2))


def number(digits: str, kind: int = 0x91) -> bytes:
    return bytes([kind]) + tbcd(digits)


def stamp(text: str = "261003120000", zone: bytes = b"+\x02\x00") -> bytes:
    return bytes.fromhex(text) + zone


def plmn(mcc: str = "204", mnc: str = "04") -> bytes:
    return bytes.fromhex(f"{mcc[1]}{mcc[0]}f{mcc[2]}{mnc[1]}{mnc[0]}")


def encode(kind: str, **fields: Any) -> bytes:
    return bytes(_compiler().encode("Record", (kind, fields)))


def sgw(charging_id: int = 1, *, volumes: tuple[tuple[int, int], ...] = ((100, 200),), **more: Any) -> bytes:
    listed = [{"uplink": up, "downlink": down, "changeTime": stamp()} for up, down in volumes]
    usual = {
        "recordType": 84, "servedIMSI": tbcd("204041234567890"), "gatewayAddress": ("v4", b"\x0a\0\0\1"), "chargingID": charging_id,
        "servingNodeAddress": [("v4", b"\x0a\0\0\2")], "accessPointNameNI": "internet", "listOfTrafficVolumes": listed, "recordOpeningTime": stamp(),
        "duration": 60, "causeForRecClosing": 0, "servedMSISDN": number(OWN), "servingNodePLMNIdentifier": plmn(),
    }  # fmt: skip
    return encode("sgw", **{**usual, **more})


def pgw(charging_id: int = 1, **more: Any) -> bytes:
    services = [
        {"ratingGroup": group, "serviceConditionChange": (b"\x00\x00\x40", 18), "uplink": 10 * group, "downlink": group, "timeOfReport": stamp()}
        for group in (1, 2)
    ]
    usual = {
        "recordType": 85, "gatewayAddress": ("v4", b"\x0a\0\0\3"), "chargingID": charging_id, "recordOpeningTime": stamp(), "duration": 60,
        "causeForRecClosing": 16, "recordSequenceNumber": 1, "servedMSISDN": number(OWN), "servingNodePLMNIdentifier": plmn("262", "01"),
        "listOfServiceData": services, "startTime": stamp(),
    }  # fmt: skip
    return encode("pgw", **{**usual, **more})


def mo_call(reference: int = 1, **more: Any) -> bytes:
    usual = {
        "recordType": 0, "servedMSISDN": number(OWN), "calledNumber": number("0201234567", 0x81), "recordingEntity": number("31653000000"),
        "seizureTime": stamp("261003115955"), "answerTime": stamp(), "callDuration": 61, "causeForTerm": 0,
        "callReference": reference.to_bytes(4, "big"),
    }  # fmt: skip
    return encode("moCall", **{**usual, **more})


def mo_sms(**more: Any) -> bytes:
    usual = {
        "recordType": 6, "servedMSISDN": number(OWN), "serviceCentre": number("31653131313"), "recordingEntity": number("31653000000"),
        "messageReference": b"\x07", "originationTime": stamp(), "destinationNumber": number("612345678", 0xA1),
    }  # fmt: skip
    return encode("moSms", **{**usual, **more})


def sgsn_sms(**more: Any) -> bytes:
    usual = {
        "recordType": 21, "servedMSISDN": number(OWN), "eventTimeStamp": stamp(), "nodeID": "sgsn1", "localSequenceNumber": 7,
        "destinationNumber": number("31612345678"),
    }  # fmt: skip
    return encode("sgsnMoSms", **{**usual, **more})


def chf(session: str = "s1", **more: Any) -> bytes:
    units = [
        {
            "ratingGroup": 1,
            "usedUnitContainers": [{"triggerTimeStamp": stamp(), "total": 33, "uplink": 11, "downlink": 22}, {"time": 5, "uplink": 1}],
        },
        {"ratingGroup": 2, "usedUnitContainers": [{"total": 1000}]},
    ]
    usual = {
        "recordType": 200, "recordingNetworkFunctionID": "chf1", "subscriberIdentifier": {"type": "eND-USER-IMSI", "data": "imsi-204041234567890"},
        "nFunctionConsumerInformation": {"networkFunctionality": "sMF"}, "listOfMultipleUnitUsage": units, "recordOpeningTime": stamp(),
        "duration": 60, "recordSequenceNumber": 1, "causeForRecClosing": 0, "chargingSessionIdentifier": session,
        "pDUSession": {"chargingID": 5, "userIdentifier": ("telUri", f"tel:+{OWN}"), "sessionId": 1, "servingCNPLMNID": plmn("310", "26")},
    }  # fmt: skip
    return encode("chargingFunction", **{**usual, **more})


def chf_sms(**more: Any) -> bytes:
    usual = {
        "originatorInfo": {"originatorMSISDN": number(OWN)}, "recipientInfos": [{"recipientMSISDN": number("31612345678")}],
        "eventtimestamp": stamp(), "messageType": "submission",
    }  # fmt: skip
    message = {**usual, **more}
    return encode(
        "chargingFunction", recordType=200, recordingNetworkFunctionID="chf1", nFunctionConsumerInformation={"networkFunctionality": "sMF"},
        recordOpeningTime=stamp(), duration=0, causeForRecClosing=0, localRecordSequenceNumber=9, chargingSessionIdentifier="m1", sMS=message,
    )  # fmt: skip


def cdr_file(*records: bytes, count: int | None = None, encoding: int = 1, release: int = 6) -> bytes:
    """A file of TS 32.297."""
    extension = b"\x09" if release == 7 else b""
    body = b"".join(len(one).to_bytes(2, "big") + bytes([release << 5 | 10, encoding << 5 | 16]) + extension + one for one in records)
    header = b"\x36\x36" + bytes(8) + (len(records) if count is None else count).to_bytes(4, "big") + bytes(4) + b"\0" + bytes(20) + b"\0" + bytes(4)
    size = 8 + len(header)
    return (size + len(body)).to_bytes(4, "big") + size.to_bytes(4, "big") + header + body
