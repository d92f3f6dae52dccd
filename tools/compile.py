"""
Loads every module of the product once and leaves the compiled form of what it needed beside it; run by tools/setup.

The servers and most commands run under OS users that cannot write into the environment, and a machine may forbid Python to write there at all:
each start would compile everything again, which takes longer than the rest of it.
"""

import compileall
import importlib
import pkgutil
import sys
from pathlib import Path

PACKAGES = ("hoeksteen", "hoeksteen_keeper")
OF_TESTS = ("_pytest.config", "boto3", "hypothesis", "jsonschema", "moto.server", "playwright.async_api", "xdist.plugin")


def load(name: str) -> None:
    """Load a module; where a package is missing that not everybody needs (Spark), it is left."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(PACKAGES):
            raise


sys.dont_write_bytecode = False
folders = [folder for name in PACKAGES for folder in importlib.import_module(name).__path__]
if sys.argv[1:] == ["--all"]:
    for module in [module for name in PACKAGES for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}.")]:
        if not module.name.endswith(".__main__"):
            load(module.name)
    for name in OF_TESTS:
        load(name)
for folder in folders:
    compileall.compile_dir(Path(folder), quiet=2)
