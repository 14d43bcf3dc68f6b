"""What stands around a value on the topics: key, headers and content types."""

KEY = "account"
"""A record's key is the account, in UTF-8. It tells the partition: murmur2, as Java's clients do it."""

COMMAND_TYPE = "application/json"
EVENT_TYPE = "application/cloudevents+json"
LETTER_TYPE = "application/octet-stream"

CONTENT_TYPE = "content-type"
"""Header of an event: it is a CloudEvent in structured mode (CloudEvents 1.0.2, Kafka protocol binding)."""
SEAL = "sayso-seal"
"""Header of a command from Sayso's own doors: shows that the carrier, or Sayso itself, said so."""
FORWARDED = "sayso-forwarded"
"""Header of a command that lay in another shard's partition, and was put in its own."""
TRACEPARENT = "traceparent"
"""Header of a command: W3C trace context, for producers that keep it out of the command itself."""
