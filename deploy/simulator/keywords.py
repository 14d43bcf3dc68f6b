"""Twilio's default opt-out words: the whole message, in any case.

https://help.twilio.com/articles/223134027-Twilio-support-for-opt-out-keywords-SMS-STOP-filtering-
"""

from typing import Literal

OptOutType = Literal["STOP", "START", "HELP"]

_WORDS: dict[OptOutType, frozenset[str]] = {
    "STOP": frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"}),
    "START": frozenset({"START", "YES", "UNSTOP"}),
    "HELP": frozenset({"HELP", "INFO"}),
}


def keyword(body: str) -> OptOutType | None:
    """What the carrier takes `body` for."""
    word = body.strip().upper()
    return next((kind for kind, words in _WORDS.items() if word in words), None)
