"""One worker after another: the lease, the ledger, what is taken over and handed over."""
