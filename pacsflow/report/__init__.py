"""Reports: the user's own table back, a page to show, a record without names, the plan to decide on.

All is written from the ledger's states and what a run concludes of them (`records`); nothing here opens the ledger.
"""
