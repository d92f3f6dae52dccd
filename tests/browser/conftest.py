"""The fixtures of a real browser, for this folder's tests."""

from fixtures.browser import _people, chromium, operator, someone

__all__ = ["_people", "chromium", "operator", "someone"]
