"""
Where the key-encryption key (KEK) lives. It never leaves its provider; all that crosses the border is a wrapped epoch key.

A file for demonstrations and small installations, an HSM by PKCS#11, or a transit service over HTTP: one interface, chosen at `init`.
"""

from hoeksteen_keeper.vault.providers.chosen import PROVIDERS, make_provider, open_provider, read_log_tags, write_log_tags
from hoeksteen_keeper.vault.providers.file import FileProvider
from hoeksteen_keeper.vault.providers.shared import KeyProvider, write_secret

__all__ = ["PROVIDERS", "FileProvider", "KeyProvider", "make_provider", "open_provider", "read_log_tags", "write_log_tags", "write_secret"]
