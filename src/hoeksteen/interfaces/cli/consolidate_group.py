"""`hoeksteen consolidate` with all that goes with it; each part lies in a module of its own."""

from hoeksteen.interfaces.cli import (
    consolidate_check,
    consolidate_compare,
    consolidate_profile,
    consolidate_report,
    consolidate_review,
    consolidate_seen,
    consolidate_waves,
)
from hoeksteen.interfaces.cli.consolidate import consolidate

for _module in (
    consolidate_check,
    consolidate_profile,
    consolidate_waves,
    consolidate_report,
    consolidate_compare,
    consolidate_review,
    consolidate_seen,
):
    for _command in _module.commands:
        consolidate.add_command(_command)
commands = [consolidate]
