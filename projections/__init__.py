"""Views: what the log amounts to, in tables that can be thrown away and built again.

Consent per number, threads, candidates, credits, receipts, notifications. They are written by folding events
in the ledger's order and read through `projections.queries` alone. Imports `schemas` only: a view repeats no
decision, it shows what was decided.
"""
