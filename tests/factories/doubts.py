"""A small operator of which two pairs of records are doubtful, and one is sure."""

from pathlib import Path

from factories.exports import CUTOVER, NOW, key_of
from factories.legacy import fixed_row, write_fixed
from fixtures.keeper import RunningKeeper
from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.operations import consolidate
from hoeksteen.storage.postgres import Database

BERG, VISSER, SURE = "BERG VAN DEN J.M. DHR", "VISSER K. MEVR", "BOS P.Q. DHR"
_UNKNOWN = {"GEBDAT": "", "EMAIL": "", "REKENING": "", "BETAALWIJZE": "O", "MACHTIGING": "", "MACHT_DAT": ""}


def rows() -> list[str]:
    """Six records: one person who moved house since, twice with and without a birth date, and one of whom everything is the same."""
    visser = {"NAAM": VISSER, "POSTCODE": "1011 AB", "ADRES": "DORPSTR 3", "CONTACT": "06-22345678", "EMAIL": "", "REKENING": "", "BETAALWIJZE": "O"}
    bos = {"NAAM": SURE, "POSTCODE": "2011 AB", "ADRES": "HOOFDSTR 5", "CONTACT": "06-32345678", "EMAIL": "BOS@POST.EXAMPLE"}
    sure = {**bos, "GEBDAT": "05-05-1955", "REKENING": "NL02 ABNA 0123 4567 89"}
    return [
        fixed_row("10000001", "A1000001"),
        fixed_row("10000002", "A1000002", NUMMER="030-2123457", PRODUCT="TEL-B", **_UNKNOWN),
        fixed_row("10000003", "A1000003", NUMMER="030-2123458", GEBDAT="01-02-1970", MACHTIGING="", MACHT_DAT="", **visser),
        fixed_row("10000004", "A1000004", NUMMER="030-2123459", GEBDAT="", MACHTIGING="", MACHT_DAT="", **visser),
        fixed_row("10000005", "A1000005", NUMMER="030-2123460", **sure),
        fixed_row("10000006", "A1000006", NUMMER="030-2123461", **sure),
    ]


def bring_in_doubts(database: Database, keeper: RunningKeeper, folder: Path, key: str) -> None:
    """Consolidate them."""
    consolidate(
        database=database, keeper=keeper.client("bss"), sources=[Source(Path("fixed"), write_fixed(folder, *rows()))], pseudonyms=key_of(key),
        cutover=CUTOVER, now=NOW,
    )  # fmt: skip


def let_look(keeper: RunningKeeper, actor: str = "emma.bakker") -> None:
    """Have two people approve that somebody looks at legacy records for a day."""
    asked = keeper.client(actor).request_grant(
        purpose="migration", categories=["identity", "contact"], subjects=None, ticket="REVIEW-1", minutes=600, subjects_max=5_000, per_hour=2_000,
        per_day=4_000,
    )  # fmt: skip
    keeper.approve(asked["id"])
