"""What candidates are called."""

from projections.queries import Queries

NAMELESS = "Candidate without a name"


class Names:
    """The names of one account's candidates, each looked up once."""

    def __init__(self, queries: Queries, account: str) -> None:
        self._queries = queries
        self._account = account
        self._known: dict[str, str] = {}

    def __call__(self, candidate: str) -> str:
        if candidate not in self._known:
            found = self._queries.candidate(self._account, candidate)
            self._known[candidate] = (found and found.name) or NAMELESS
        return self._known[candidate]
