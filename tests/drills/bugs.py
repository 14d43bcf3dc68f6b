"""Bugs to plant, to see whether the drills find them: each changes one function of the running process.

Most bite once, as real ones do now and then; those that weaken a guard bite for as long as they are there.
"""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from tests.drills.wrapping import wrap

Function = Callable[..., Any]
Bitten = Callable[[], object]
"""Told when a bug bites."""
Mend = Callable[[], None]
Applies = Callable[..., bool]


def plant(name: str, bitten: Bitten) -> Mend:
    """Plant the bug called `name`; returns what takes it out again. Raises KeyError where there is none."""
    return BUGS[name](bitten)


def _once(function: str, bug: Callable[..., Any], bitten: Bitten, applies: Applies = lambda *_: True) -> Mend:
    """Let `bug` stand in for the first call whose arguments it `applies` to; it gets the function, too."""
    lock, bites = Lock(), [1]

    def around(right: Function) -> Function:
        def wrong(*args: Any, **kwargs: Any) -> Any:
            with lock:
                bite = bool(bites) and applies(*args)
                if bite:
                    bites.clear()
            if not bite:
                return right(*args, **kwargs)
            try:
                return bug(right, *args)
            finally:
                bitten()

        return wrong

    return wrap(function, around)


def _asked_for(recorded: Any) -> bool:
    """Whether somebody outside wanted it, who would miss it."""
    return bool(recorded.context.actor.kind == "member")


def _lost_offset(bitten: Bitten) -> Mend:
    """The position moves on, and what was decided up to there is not stored."""
    return _once(
        "domain.ledger.ledger:Ledger.append",
        lambda right, ledger, _, position: right(ledger, [], position),
        bitten,
        lambda _ledger, batch, _position: any(_asked_for(one) for one in batch),
    )


def _swallowed_error(bitten: Bitten) -> Mend:
    """Storing fails, nobody hears of it, and the callers get their receipts."""
    return _once(
        "consumers.shard:Shard.store",
        lambda *_: None,
        bitten,
        lambda _shard, decided: any(_asked_for(one) for one in decided.recorded),
    )


def _receipt_without_effect(bitten: Bitten) -> Mend:
    """A command is accepted, and what it leads to is forgotten."""
    return _once(
        "consumers.shard:Shard._record",
        lambda *_: None,
        bitten,
        lambda _shard, decision, context, _decided: decision.events and context.actor.kind == "member",
    )


def _balance_off_by_one(bitten: Bitten) -> Mend:
    def wrong(right: Function, *args: Any) -> Any:
        (debited,) = right(*args)
        return [debited.model_copy(update={"balance": debited.balance + 1})]

    return _once("domain.account:debit", wrong, bitten, lambda state, _, segments: state.balance > segments)


def _view_forgets(bitten: Bitten) -> Mend:
    """A movement of the balance does not reach the view."""
    return _once("projections.credits:Credits._total", lambda *_: None, bitten)


def _handed_over_twice(bitten: Bitten) -> Mend:
    def twice(right: Function, *args: Any) -> Any:
        right(*args)
        return right(*args)

    return _once("consumers.carriers.twilio_carrier:TwilioCarrier.send", twice, bitten)


def _consent_ignored(bitten: Bitten) -> Mend:
    """Nobody looks at consent any more."""

    def around(right: Function) -> Function:
        def wrong(conversation: Any, _: Any) -> None:
            if conversation.consent != "granted":
                bitten()

        return wrong

    return wrap("domain.conversation:require_consent", around)


def _text_forgotten(bitten: Bitten) -> Mend:
    """A hand-over ends without a word, and nobody asks what became of it."""

    def forget(*_: Any) -> Any:
        raise RuntimeError("planted: the hand-over ends here")

    mend = _once("consumers.carriers.twilio_carrier:TwilioCarrier.send", forget, bitten)
    mend_doubt = wrap("consumers.settling:Settler._doubt", lambda _: lambda *_: None)
    return lambda: (mend(), mend_doubt(), None)[-1]


def _dead_letter_lost(bitten: Bitten) -> Mend:
    return _once("producers.dead_letters:DeadLetters.keep", lambda *_: 0, bitten)


def _answer_before_sync(bitten: Bitten) -> Mend:
    """Commits no longer wait for the disk."""

    def wrong(right: Function, ledger: Any, *args: Any) -> Any:
        ledger._store._datastore._writer.cursor().execute("PRAGMA synchronous = OFF")
        return right(ledger, *args)

    return _once("domain.ledger.ledger:Ledger.append", wrong, bitten)


BUGS: Mapping[str, Callable[[Bitten], Mend]] = {
    "lost-offset": _lost_offset,
    "swallowed-error": _swallowed_error,
    "receipt-without-effect": _receipt_without_effect,
    "balance-off-by-one": _balance_off_by_one,
    "view-forgets": _view_forgets,
    "handed-over-twice": _handed_over_twice,
    "consent-ignored": _consent_ignored,
    "text-forgotten": _text_forgotten,
    "dead-letter-lost": _dead_letter_lost,
    "answer-before-sync": _answer_before_sync,
}
