"""Where things are acted on: the worker, the dispatcher and its carriers, the scheduler, the projector loop.

Each follows what is written, commands or the ledger, and what it does ends in the ledger again. Imports
`domain`, `projections` and `schemas`; never `producers`.
"""
