"""The fixture of the sites, for this folder's tests."""

from fixtures.sites import world

__all__ = ["world"]
