"""The hand-over to a carrier: one protocol, its outcomes as values, and what each error means."""
