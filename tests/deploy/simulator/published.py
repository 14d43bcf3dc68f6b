"""Twilio's published description of the message resource (twilio-oai, api.v2010.account.message)."""

SID = {"type": "string", "pattern": "^SM[0-9a-f]{32}$"}
DATE = {"type": ["string", "null"], "pattern": r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$"}
TEXT_OR_NULL = {"type": ["string", "null"]}
RESOURCE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "account_sid": {"type": "string", "pattern": "^AC[0-9a-fA-F]{32}$"},
        "api_version": {"const": "2010-04-01"},
        "body": {"type": "string"},
        "date_created": DATE,
        "date_sent": DATE,
        "date_updated": DATE,
        "direction": {"enum": ["inbound", "outbound-api", "outbound-call", "outbound-reply"]},
        "error_code": {"type": ["integer", "null"]},
        "error_message": TEXT_OR_NULL,
        "from": TEXT_OR_NULL,
        "messaging_service_sid": {"type": ["string", "null"], "pattern": "^MG[0-9a-fA-F]{32}$"},
        "num_media": {"type": "string", "pattern": "^[0-9]+$"},
        "num_segments": {"type": "string", "pattern": "^[0-9]+$"},
        "price": TEXT_OR_NULL,
        "price_unit": TEXT_OR_NULL,
        "sid": SID,
        "status": {
            "enum": [
                *("accepted", "scheduled", "queued", "sending", "sent", "delivered", "undelivered"),
                *("failed", "canceled", "receiving", "received", "read", "partially_delivered"),
            ]
        },
        "subresource_uris": {"type": "object", "required": ["media"]},
        "to": TEXT_OR_NULL,
        "uri": {"type": "string"},
    },
}
RESOURCE["required"] = list(RESOURCE["properties"])  # type: ignore[call-overload]
PAGE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "messages": {"type": "array", "items": RESOURCE},
        "page": {"type": "integer"},
        "page_size": {"type": "integer"},
        "start": {"type": "integer"},
        "end": {"type": "integer"},
        "uri": {"type": "string"},
        "first_page_uri": {"type": "string"},
        "next_page_uri": TEXT_OR_NULL,
        "previous_page_uri": TEXT_OR_NULL,
    },
}
