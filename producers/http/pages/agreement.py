"""What an account agrees to before its first text."""

AGREEMENT_VERSION = "2026-11"
AGREEMENT_WORDING = (
    "I agree on behalf of this account that texts, and the phone numbers they go to and come from, are "
    "handed to our carrier, who processes them in order to deliver them."
)
