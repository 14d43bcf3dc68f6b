"""The answer to a command, as whoever sent it gets it."""

from dataclasses import dataclass

from schemas.events import CommandAccepted, CommandRefused, Context


@dataclass(frozen=True, slots=True)
class Answer:
    """A command's receipt. `conflict`: the id was used before, with other content; nothing was done."""

    receipt: CommandAccepted | CommandRefused
    context: Context
    """Of the command that the receipt answers: for a repeat, the first one's."""
    repeated: bool = False
    conflict: bool = False
