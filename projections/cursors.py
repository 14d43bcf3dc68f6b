"""Cursors: where the next page of a list begins, opaque to whoever carries them.

A cursor holds nothing secret and grants nothing: every query filters on its account anyway. It names its
list, so that one list's cursor is refused by another.
"""

import base64
import json

CURSOR_CHARACTERS_MAX = 400  # an id of 128 characters fits; brackets within brackets cannot exhaust the stack

Place = tuple[int | str, ...]


class BadCursor(ValueError):
    """That is not a cursor of this list."""

    def __init__(self) -> None:
        super().__init__("The cursor is not one that this list gave out. Start again without one.")


def write(listing: str, place: Place) -> str:
    """The cursor of the page after `place` in `listing`."""
    return base64.urlsafe_b64encode(json.dumps([listing, *place]).encode()).decode().rstrip("=")


def read(listing: str, cursor: str, shape: tuple[type[int] | type[str], ...]) -> Place:
    """The place that `cursor` holds: values of the types in `shape`.

    Raises:
        BadCursor: it was not written for `listing`, or was tampered with.
    """
    if len(cursor) > CURSOR_CHARACTERS_MAX:
        raise BadCursor
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError as error:
        raise BadCursor from error
    match found:
        case [name, *place] if name == listing and [type(value) for value in place] == list(shape):
            return _storable(tuple(place))
        case _:
            raise BadCursor


def _storable(place: Place) -> Place:
    """`place`, if a database can compare with it."""
    for value in place:
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise BadCursor
        if isinstance(value, str) and any(not character.isprintable() for character in value):
            raise BadCursor  # NUL, which PostgreSQL has no place for, and halves of surrogate pairs
    return place
