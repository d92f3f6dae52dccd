"""`hoeksteen bill explain`, as people type it."""

import json
from datetime import date
from pathlib import Path

from click.testing import CliRunner

from factories.billed_operator import BilledOperator
from hoeksteen.billing.model import RateKind
from hoeksteen.interfaces.cli.bill import bill


def test_a_line_down_to_its_records(operator: BilledOperator, data: Path) -> None:
    held = operator.add("mobile-m")
    operator.charge(held, month=date(2026, 10, 1), records=4)
    operator.run()
    (billed,) = operator.bills(held[0])
    usage = next(rate for rate in billed.rates if rate.kind is RateKind.USAGE)
    words = ["explain", str(billed.bill_number), str(usage.line), "--data", str(data)]
    figures = json.loads(CliRunner().invoke(bill, [*words, "--limit", "2", "--json"]).stdout.strip().splitlines()[-1])
    assert (figures["exact"], figures["without_record"]) == (figures["of_records"], "0.000000")
    assert (figures["records_total"], len(figures["records"])) == (4, 2)
    told = CliRunner(env={"COLUMNS": "200"}).invoke(bill, words).stdout
    assert figures["records"][0]["record_id"] in told and "4 of 4 records" in told and "exact amount" in told
