"""A ledger in tables of its own in a PostgreSQL database."""
