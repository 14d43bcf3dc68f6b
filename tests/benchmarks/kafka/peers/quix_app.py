"""The same work as an idiomatic quixstreams application: exactly once, state of its own, three records.

Consent and credit are checked against the state, and the credit is debited in it. Told so, it also
recognises a command that comes again, by its receipt in the state. Nothing is encrypted, and numbers, hours
and countries are not looked at, so it does less than Sayso. Runs until SIGTERM, with the packages that
requirements-bench.lock names.

Arguments: bootstrap servers, the topics' prefix, a folder for the state, commands a transaction, after how
many seconds one is committed in any case, and "repeats" or "".
"""

import sys
from typing import Any

from quixstreams import Application, State

SEGMENT_SEPTETS = 153
OUTPUTS = {
    "text-queued": "messages",
    "segments-debited": "credits",
    "command-accepted": "receipts",
    "command-refused": "receipts",
}

Json = dict[str, Any]


def main(
    bootstrap: str, prefix: str, folder: str, commit_every: str, commit_interval_s: str, repeats: str
) -> None:
    """Wire the stream and run it."""
    app = Application(
        broker_address=bootstrap,
        consumer_group=prefix + "quix",
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_every=int(commit_every),
        commit_interval=float(commit_interval_s),
        state_dir=folder,
        loglevel="WARNING",
    )
    topics = {name: app.topic(prefix + topic, value_serializer="json") for name, topic in OUTPUTS.items()}
    stream = app.dataframe(app.topic(prefix + "commands", value_deserializer="json"))
    stream = stream.apply(decide_once if repeats else decide, stateful=True, expand=True)
    stream.to_topic(lambda event, *_: topics[event["type"]])
    app.run()


def decide_once(command: Json, state: State) -> list[Json]:
    """The same; the receipt again, and nothing else, if the command was decided before."""
    name = f"receipt:{command['command_id']}"
    receipt = state.get(name)
    if receipt is not None:
        return [receipt]
    events = decide(command, state)
    state.set(name, events[-1])
    return events


def decide(command: Json, state: State) -> list[Json]:
    """The events that `command` makes, given the account's state."""
    match command["type"]:
        case "send-text":
            return _send(command, state)
        case "adjust-segments":
            state.set("balance", state.get("balance", 0) + command["segments"])
        case "add-consent":
            state.set(f"consent:{command['number']}", command["obtained_at"])
        case _:
            pass
    return [_event("command-accepted", command, {})]


def _send(command: Json, state: State) -> list[Json]:
    if state.get(f"consent:{command['number']}") is None:
        return [_event("command-refused", command, {"code": "no_consent"})]
    segments = -(-len(command["body"]) // SEGMENT_SEPTETS)
    balance = state.get("balance", 0) - segments
    if balance < 0:
        return [_event("command-refused", command, {"code": "no_credit"})]
    state.set("balance", balance)
    text_id = command["command_id"]
    queued = {
        "text_id": text_id,
        "candidate": command["candidate"],
        "number": command["number"],
        "body": command["body"],
        "segments": segments,
        "send_at": command["send_at"],
    }
    debited = {"text_id": text_id, "segments": segments, "balance": balance}
    return [
        _event("text-queued", command, queued),
        _event("segments-debited", command, debited),
        _event("command-accepted", command, debited),
    ]


def _event(name: str, command: Json, data: Json) -> Json:
    return {
        "specversion": "1.0",
        "type": name,
        "source": command["account"],
        "id": f"{command['command_id']}/{name}",
        "actor": command["actor"]["id"],
        "data": data,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
