"""The overview of a group of commands says what each does, in a whole sentence."""

import click
import pytest
from click.testing import CliRunner

from hoeksteen.interfaces.cli.main import COMMANDS, cli

CONTEXT = click.Context(cli)
GROUPS = [name for name in COMMANDS if isinstance(cli.get_command(CONTEXT, name), click.Group)]


@pytest.mark.parametrize("name", GROUPS)
def test_no_sentence_is_cut_off(name: str) -> None:
    found = cli.get_command(CONTEXT, name)
    assert found is not None
    told = CliRunner().invoke(found, ["--help"]).output
    assert "Commands:" in told
    assert "..." not in told.partition("Commands:")[2]
