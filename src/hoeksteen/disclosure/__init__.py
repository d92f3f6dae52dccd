"""The one way to read, write and search personal data: the keeper's client, and the sealed blobs that the business side holds."""

from hoeksteen_keeper.client import Hit, KeeperClient, Revealed, SealItem, Session, Term

__all__ = ["Hit", "KeeperClient", "Revealed", "SealItem", "Session", "Term"]
