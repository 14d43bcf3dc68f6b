"""Where events are published, and where commands come from."""

from enum import StrEnum


class Topic(StrEnum):
    """The topics of Apache Kafka; embedded, only labels."""

    COMMANDS = "sayso.commands"
    ACCOUNTS = "sayso.accounts"
    CONSENT = "sayso.consent"
    MESSAGES = "sayso.messages"
    CREDITS = "sayso.credits"
    RECEIPTS = "sayso.receipts"
    NOTIFICATIONS = "sayso.notifications"
    DEAD_LETTERS = "sayso.dead-letters"
