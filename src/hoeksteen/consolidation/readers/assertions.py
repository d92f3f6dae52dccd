"""Assertions of a mapping about a whole export, counted while it is read; no value is kept but digests of those that must be unique."""

from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

from hoeksteen.consolidation.mapping import Column, Mapping
from hoeksteen.consolidation.readers.raw import PRODUCT_ROWS, RawRecord
from hoeksteen.consolidation.standardise.amounts import amount_of
from hoeksteen.kernel.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    Whether one assertion holds.

    :param name: the assertion as in the mapping, `unique.EMAIL`
    :param found: what was counted, in words without a value
    :param row: the first row that speaks against it, where one does
    """

    name: str
    holds: bool
    found: str
    row: int | None = None


@dataclass(slots=True)
class _Count:
    rows: int = 0
    filled: int = 0
    sum: Decimal = Decimal(0)
    again: int = 0
    first_again: int | None = None
    no_amounts: int = 0
    first_no_amount: int | None = None


class Assessor:
    """Counts what a mapping's assertions are about; without assertions it costs nothing."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping, self._asserted = mapping, mapping.assertions
        self._seen: dict[str, set[bytes]] = {name: set() for name in self._asserted.unique}
        self._sums = set(self._asserted.sum_equals)
        names = {*self._asserted.unique, *self._asserted.filled_percent_min, *self._asserted.sum_equals}
        self._counts = {name: _Count() for name in names}
        rows = set(mapping.row_columns)
        self._of_record = [name for name in self._counts if name in mapping.record_columns and not self._in_rows(name, rows)]
        self._of_lists: dict[str, list[tuple[str, str]]] = {}
        for name in self._counts:
            if name in mapping.record_columns:
                if name not in self._of_record:
                    self._of_lists.setdefault(PRODUCT_ROWS, []).append((name, name))
            else:
                list_name, _, column = self._split(name)
                self._of_lists.setdefault(list_name, []).append((name, column))
        self._numbers = dict.fromkeys(self._asserted.count_between, 0)

    def _in_rows(self, name: str, rows: set[str]) -> bool:
        return name in rows or (self._mapping.record_columns[name].to or "").startswith("product.")

    def _split(self, name: str) -> tuple[str, str, str]:
        list_name = next(one for one in self._mapping.lists if name.startswith(f"{one}."))
        return list_name, ".", name.removeprefix(f"{list_name}.")

    def count(self, raw: RawRecord) -> None:
        """Count one record; one that cannot be read counts among the records alone."""
        if self._numbers:
            for name in self._numbers:
                self._numbers[name] += 1 if name == "records" else len(raw.children.get(name, ()))
        if not self._counts or (raw.fault and not raw.values):
            return
        for name in self._of_record:
            self._count(name, raw.values.get(name), raw.row)
        for list_name, columns in self._of_lists.items():
            for row, values in raw.children.get(list_name, ()):
                for name, column in columns:
                    self._count(name, values.get(column), row)

    def _count(self, name: str, value: str | None, row: int) -> None:
        count = self._counts[name]
        count.rows += 1
        text = (value or "").strip()
        if not text:
            return
        count.filled += 1
        if (seen := self._seen.get(name)) is not None:
            digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()
            if digest in seen:
                count.again += 1
                count.first_again = count.first_again or row
            seen.add(digest)
        if name in self._sums:
            amount = amount_of(text, self._column(name).decimal)
            if amount is None:
                count.no_amounts += 1
                count.first_no_amount = count.first_no_amount or row
            else:
                count.sum += amount

    def _column(self, name: str) -> Column:
        if name in self._mapping.record_columns:
            return self._mapping.record_columns[name]
        list_name, _, column = self._split(name)
        found: Column = self._mapping.lists[list_name].columns[column]
        return found

    def verdicts(self) -> list[Verdict]:
        """Say of each assertion whether it held, in the order of the mapping."""
        found = []
        for name in self._asserted.unique:
            count = self._counts[name]
            found.append(Verdict(f"unique.{name}", not count.again, f"{count.again:,} values again among {count.filled:,}", count.first_again))
        for name, percent in self._asserted.filled_percent_min.items():
            count = self._counts[name]
            holds = count.filled * 100 >= percent * count.rows
            found.append(Verdict(f"filled_percent_min.{name}", holds, f"{count.filled:,} of {count.rows:,} filled, at least {percent} % asserted"))
        for name, total in self._asserted.sum_equals.items():
            count = self._counts[name]
            holds = count.sum == Decimal(total) and not count.no_amounts
            words = f"{count.sum:,.2f}, and {Decimal(total):,.2f} asserted"
            words += f"; {count.no_amounts:,} are no amounts" if count.no_amounts else ""
            found.append(Verdict(f"sum_equals.{name}", holds, words, count.first_no_amount))
        for name, (least, most) in self._asserted.count_between.items():
            number = self._numbers[name]
            found.append(Verdict(f"count_between.{name}", least <= number <= most, f"{number:,}, and {least:,} to {most:,} asserted"))
        return found

    def require(self, file: Path) -> None:
        """
        Refuse the export when an assertion does not hold.

        :raises InvalidInput: naming the first that does not
        """
        wrong = [verdict for verdict in self.verdicts() if not verdict.holds]
        if wrong:
            first = wrong[0]
            where = f" row {first.row}" if first.row is not None else ""
            more = f", and {len(wrong) - 1} more do not hold" if len(wrong) > 1 else ""
            raise InvalidInput(
                f"{file}{where}: {self._mapping.file.name} asserts {first.name}, and found: {first.found}{more}.",
                remedy="Export it again, or correct the assertion in the mapping; `hoeksteen consolidate check` shows each.",
            )
