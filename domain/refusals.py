"""Every reason for which Sayso says no: a stable code, and a sentence that says what to do next."""

from collections.abc import Mapping
from types import MappingProxyType

REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        # who
        "not_permitted": "You are not permitted to do this. Ask an administrator for: {missing}.",
        # the account
        "not_activated": "Texting is not activated for this account. An administrator can activate it.",
        "no_sender": "The account has no number to text from yet. Ask the operator to assign one.",
        "carrier_unknown": "There is no carrier {carrier}. Choose one of: {known}.",
        "sender_kind_wrong": "This sender is no {kind}. It can be {kinds}, or leave the kind out.",
        "sender_region_needed": "A short code belongs to one country. Add its region.",
        "sender_unknown": "The account has no such sender.",
        "too_many_senders": "An account can have at most {limit} senders. Withdraw one first.",
        "sending_stopped": "The carrier refuses this account's texts. {reason}",
        "sending_not_stopped": "Sending is not stopped; there is nothing to resume.",
        "no_such_package": "There is no package {package}. Choose one of: {known}.",
        "no_price": "The package {package} has no price in {currency}. Ask the operator to add one.",
        "insufficient_credit": "This text needs {needed}, the balance is {balance}. Buy a package to go on.",
        "balance_would_be_negative": "The correction would take the balance of {balance} below zero.",
        "no_such_keyword_pack": "There are no keywords in {packs}. Choose among: {known}.",
        "currency_unknown": "{currency} is not a currency of ISO 4217.",
        "country_unknown": "{country} has no phone numbers. Write the country as ISO 3166-1 does: US.",
        # the number
        "number_invalid": "This is not a valid phone number. Check it, with its country code.",
        "number_ambiguous": "This number fits more than one country. Write it with its country code.",
        "number_region_needed": "Write the number with its country code, for example +1 415 555 2671.",
        "number_cannot_be_texted": "This kind of number cannot be texted. Ask for a mobile number.",
        "number_unknown": "The candidate does not have this number. Add it first.",
        "number_present": "The candidate has this number already.",
        "too_many_numbers": "A candidate can have at most {limit} numbers. Remove one first.",
        "too_many_candidates": "At most {limit} candidates can share a number.",
        "time_zone_unknown": "{time_zone} is not a time zone of the IANA database.",
        "country_blocked": "{sentence}",
        "french_number": "{sentence}",
        # following
        "already_following": "You follow this candidate already.",
        "not_following": "You do not follow this candidate.",
        "too_many_followers": "At most {limit} members can follow a candidate.",
        # consent
        "consent_not_given": "The candidate has not agreed to be texted. Record consent first.",
        "consent_withdrawn": "The candidate's consent was withdrawn. Add it again once the candidate agrees.",
        "revoked_by_keyword": "The candidate texted a stop keyword. Only the candidate can undo this, "
        "by texting START to {sender}.",
        "under_review": "A reply of the candidate sounds like a wish to hear no more. "
        "Review it before texting again.",
        "already_granted": "The candidate's consent stands already.",
        "not_granted": "There is no consent to withdraw.",
        "obtained_in_future": "Consent cannot have been obtained in the future. Check the date.",
        "nothing_to_review": "No reply of this number waits for a review.",
        # the text
        "body_empty": "Write something first: the text is empty.",
        "body_too_long": "The text has {units} units in {encoding}; at most {limit} can be sent. Shorten it.",
        "first_text_incomplete": "A first text must say who writes and offer a way out. Add: {sentence}",
        "send_at_past": "The time to send lies in the past. Choose a later one.",
        "never_open": "No moment in the next two weeks is outside every quiet hour of this number. "
        "Give the candidate's time zone, or change the account's quiet hours.",
        "too_many_alike": "{limit} texts with these words go to this number within a day already. "
        "Write something else, or wait.",
        "too_many_open_texts": "{limit} texts to this number are waiting already. Wait, or cancel some.",
        "text_unknown": "No such text waits: it has left already, was called back, or never was.",
        "already_dispatched": "The text is on its way already and cannot be called back.",
        "text_not_unknown": "There is no such text, or its end is known. Only texts that ended as "
        "unknown are refunded by hand.",
        "not_due": "The text is not due.",
        "missed": "The text missed its time by more than {late}; it was not sent.",
        "stale": "The text has moved on since.",
        # the bulk
        "recipient_repeated": "This number is in the bulk already; it gets the text once.",
        "bulk_unknown": "There is no such bulk.",
        "bulk_paused": "The bulk is paused; nothing of it leaves until it is resumed.",
        "bulk_not_paused": "The bulk is not paused; there is nothing to resume.",
        "bulk_cancelled": "The bulk was called back.",
        "bulk_finished": "No text of the bulk is waiting any more.",
        # ours
        "internal_error": "Something went wrong on our side and was reported. Nothing was done.",
        "command_id_reused": "This command id was used before, with other content. Use a new one.",
    }
)


class Refused(Exception):
    """A decision's no.

    Attributes:
        code: stable, for machines; a key of `REFUSALS`.
        sentence: for the recruiter: what is wrong and what can be done. Holds nothing personal.
    """

    def __init__(self, code: str, **details: object) -> None:
        self.code = code
        self.sentence = REFUSALS[code].format(**details)
        super().__init__(f"{code}: {self.sentence}")
