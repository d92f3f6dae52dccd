"""The one way to read, write and search personal data: the keeper's client, and the sealed blobs that the business side holds."""

from hoeksteen_keeper.client import Found, Hit, KeeperClient, Revealed, SealItem, Session, Term

__all__ = ["Found", "Hit", "KeeperClient", "Revealed", "SealItem", "Session", "Term"]
