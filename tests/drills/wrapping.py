"""Puts other functions in the place of ours, in a process that is made to fail."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def wrap(function: str, around: Callable[[Any], Any]) -> Callable[[], None]:
    """Put what `around` makes of a function, or of a constant, in its place.

    `module:name` or `module:Class.name` names it.

    Returns:
        What puts the function back.

    Raises:
        AttributeError: there is none, so a drill that names it has to be mended.
    """
    module, _, path = function.partition(":")
    holder: Any = import_module(module)
    *within, name = path.split(".")
    for part in within:
        holder = getattr(holder, part)
    before = getattr(holder, name)
    setattr(holder, name, around(before))
    return lambda: setattr(holder, name, before)
