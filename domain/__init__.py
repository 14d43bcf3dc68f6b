"""Decisions: phones, segments, keywords, countries, quiet hours, consent, texts and credits; and the ledger.

A decision takes a state, a command and the time, and gives events or a refusal; it reads no clock, no file
and no network. `domain.ledger`, where events are kept, is the one module that knows the `eventsourcing`
library. Imports `schemas` only.
"""
