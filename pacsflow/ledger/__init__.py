"""The ledger: what was asked, found, fetched, cleaned, converted, exported, refused, and why."""

from pacsflow.ledger.book import Ledger, open_ledger, setting

__all__ = ["Ledger", "open_ledger", "setting"]
