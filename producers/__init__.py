"""Where commands enter and events leave: the HTTP interface, the pages and the carrier's webhooks.

A command that enters here is checked for form and for the right to say it, and is handed on through
`schemas.door`; whether it takes effect is for `domain` to say. Imports `domain`, `projections` and `schemas`;
never `consumers`.
"""
