"""
Waves by rule: which customers come over together. One YAML file; the first rule that fits is the one that counts.

A rule looks at the founder of a cluster, and the whole cluster goes with it. Whom no rule names waits.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from hoeksteen.consolidation.model import LegacyRecord
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.storage.yaml_text import NoYaml, read_yaml

WAVES_MAX = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")
_POSTCODES = re.compile(r"([1-9]\d{3})(?:-([1-9]\d{3}))?")
_PARTS = 1_000_000


class Where(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    What a customer is like; all that is said must hold, and what is not said holds for everybody.

    :param segment: consumer or business
    :param sources: the founder's source is one of these
    :param postcodes: digits or ranges of them, both ends included, such as 3500-3599
    :param records: legacy records by source and key, such as fixed/10000001; they are kept as pseudonyms
    """

    segment: Literal["consumer", "business"] | None = None
    sources: list[str] = []
    postcodes: list[str] = []
    cities: list[str] = []
    records: list[str] = []


class Wave(Where, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """
    One wave.

    :param share: percent of those whom the rest of the rule names, chosen by a keyed hash, the same at every run
    :param without: who is left out all the same: whoever any part of this names
    :param gone: what becomes of the products of a record that its source gives no more, before the freeze: they `end`, or are removed
    """

    wave: str
    share: str = "100"
    without: Where | None = None
    gone: Literal["end", "remove"] = "end"


class _Waves(msgspec.Struct, forbid_unknown_fields=True):
    waves: list[Wave]


def read_waves(file: Path, pseudonyms: Pseudonyms) -> list[Wave]:
    """
    Read and check a file of waves.

    :raises NotFound: when there is no such file
    :raises InvalidInput: naming the file, the wave and the field
    """
    try:
        found = msgspec.convert(read_yaml(file.read_text("utf-8")), _Waves).waves
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {file}.", remedy="Name the file of the waves with --waves.") from error
    except (NoYaml, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise _wrong(file, str(error)) from error
    if not 1 <= len(found) <= WAVES_MAX:
        raise _wrong(file, f"waves: holds {len(found)}, and 1 to {WAVES_MAX} can be")
    names = [one.wave for one in found]
    for place, one in enumerate(found):
        if _NAME.fullmatch(one.wave) is None or one.wave in names[:place]:
            raise _wrong(file, f"waves[{place}].wave: is named twice, or is no name of 1 to 40 letters, digits, spaces, dots and dashes")
        if re.fullmatch(r"\d{1,3}(\.\d{1,4})?", one.share, re.ASCII) is None or not 0 < float(one.share) <= 100:
            raise _wrong(file, f"wave {one.wave}, field share: write percent as 12.5, above 0 and at most 100")
        for where in (one, one.without):
            for field, values, right in (
                () if where is None else (("postcodes", where.postcodes, _POSTCODES), ("records", where.records, re.compile(r"[^/]+/.+")))
            ):
                if wrong := next((value for value in values if right.fullmatch(value) is None), None):
                    said = "write digits as 3511 or 3500-3599" if field == "postcodes" else "write source and key as fixed/10000001"
                    raise _wrong(file, f"wave {one.wave}, field {field}, entry {values.index(wrong) + 1}: {said}")
    return [_hidden(one, pseudonyms) for one in found]


def _wrong(file: Path, what: str) -> InvalidInput:
    return InvalidInput(f"{file}: {what}.", remedy="Correct it; docs/consolidation.md shows such a file.")


def _hidden(wave: Wave, pseudonyms: Pseudonyms) -> Wave:
    """Give a wave that names records by their pseudonyms: it is kept, and legacy numbers are personal data."""
    without = wave.without
    if without is not None:
        without = msgspec.structs.replace(without, records=_pseudonyms(without.records, pseudonyms))
    return msgspec.structs.replace(wave, records=_pseudonyms(wave.records, pseudonyms), without=without)


def _pseudonyms(records: Iterable[str], pseudonyms: Pseudonyms) -> list[str]:
    return [str(pseudonyms.record_id(*named.split("/", 1))) for named in records]


class Chooser:
    """Say which wave a cluster is in, by its founder; made once for a run."""

    def __init__(self, waves: Sequence[Wave]) -> None:
        self._waves = [(wave, _Compiled(wave), _Compiled(wave.without) if wave.without else None, _below(wave.share)) for wave in waves]

    def wave_of(self, founder: LegacyRecord) -> Wave | None:
        """Give the first wave whose rule fits, or None: then the customer waits."""
        for wave, rule, without, below in self._waves:
            if rule.fits(founder) and not (without is not None and without.fits_any(founder)) and _drawn(wave.wave, founder.record_id) < below:
                return wave
        return None


class _Compiled:
    def __init__(self, where: Where) -> None:
        self._segment = where.segment
        self._sources, self._records = frozenset(where.sources), frozenset(where.records)
        self._cities = frozenset(city.casefold() for city in where.cities)
        ranges = [found.groups() for text in where.postcodes if (found := _POSTCODES.fullmatch(text))]
        self._postcodes = [(int(first), int(last or first)) for first, last in ranges]

    def fits(self, founder: LegacyRecord) -> bool:
        """Say whether all that is asked holds."""
        return all(self._answers(founder))

    def fits_any(self, founder: LegacyRecord) -> bool:
        """Say whether anything that is asked holds."""
        return any(self._answers(founder))

    def _answers(self, founder: LegacyRecord) -> Iterator[bool]:
        if self._segment is not None:
            yield self._segment == ("business" if founder.kind == "organization" else "consumer")
        if self._sources:
            yield founder.source in self._sources
        if self._records:
            yield str(founder.record_id) in self._records
        address = founder.address
        if self._cities:
            yield address is not None and address.city is not None and address.city.casefold() in self._cities
        if self._postcodes:
            digits = int(address.postcode[:4]) if address is not None and address.postcode else 0
            yield any(first <= digits <= last for first, last in self._postcodes)


def _below(share: str) -> int:
    return round(float(share) * _PARTS / 100)


def _drawn(wave: str, record_id: UUID) -> int:
    """Draw a number for a founder, in each wave another one; its pseudonym is keyed, so nobody can tell from outside who is in."""
    return int.from_bytes(hashlib.blake2b(wave.encode() + record_id.bytes, digest_size=8).digest(), "big") % _PARTS
