"""Addresses of databases (DSNs): where a legacy database stands and who reads it, never with a password in it."""

import os
import re
from pathlib import Path

from hoeksteen.consolidation.readers.raw import looks_like_an_address, not_read_so
from hoeksteen.kernel.errors import InvalidInput, NotFound

_SCHEMES = "postgresql|mysql|mariadb|sqlite"
# a path library makes one slash of two
_ADDRESS = re.compile(rf"({_SCHEMES}):/+(.*)", re.DOTALL)
_FILE_BYTES_MAX = 2_000
_SUFFIX = ".dsn"


def is_address(file: Path) -> bool:
    """Say whether an input is the address of a database, or a file that holds one (`crm.dsn`)."""
    return _ADDRESS.fullmatch(str(file)) is not None or file.suffix == _SUFFIX


def address_of(file: Path) -> tuple[str, str]:
    """
    Give scheme and rest of an address: `postgresql` and `reader@host:5432/crm?sslmode=require`.

    :raises NotFound: when the file that should hold it is not there
    :raises InvalidInput: when it is no address, or holds a password; the message repeats nothing of it
    """
    text = str(file)
    if _ADDRESS.fullmatch(text) is None:
        text = _read(file)
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(
            f"{file.name}: this is no address of a database.", remedy="Write it as postgresql://reader@host/database (or mysql, mariadb, sqlite)."
        )
    scheme, rest = found.groups()
    userinfo, at, _ = rest.rpartition("@")
    if (at and ":" in userinfo) or re.search(r"[?&](password|passwd|pwd)=", rest, re.IGNORECASE):
        raise InvalidInput(
            "The address of the database holds a password.",
            remedy="Leave it out, put it into an environment variable, and name that in reader.password_from.",
        )
    return scheme, rest


def password_of(variable: str | None) -> str | None:
    """
    Give the password from the environment.

    :raises InvalidInput: when the variable is not set
    """
    if variable is None:
        return None
    password = os.environ.get(variable)
    if password is None:
        raise InvalidInput(
            f"reader.password_from: the environment has no variable {variable}.", remedy=f"Set {variable} to the password, then run this again."
        )
    return password


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > _FILE_BYTES_MAX:
            raise InvalidInput(f"{file.name}: this is no address of a database.", remedy="Put its one line into the file.")
        return file.read_text("utf-8")
    except OSError as error:
        if looks_like_an_address(file):
            raise not_read_so() from None
        raise NotFound(f"There is no file {file}, or it may not be read.", remedy="Name the database with --input.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file.name}: this is no address of a database.", remedy="Put its one line into the file.") from error
