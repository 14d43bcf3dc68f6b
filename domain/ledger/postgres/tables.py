"""The tables of one shard's ledger, and why they are laid out so.

This is the library's own layout: one index over (stream, version), one over the numbers. Chaining each
stream's events, as the SQLite form does, was measured beside it. At 700,000 events a transaction of 500 sends
took as long either way (11.1 ms and 10.5), and the chain wrote a third less to the log (1.4 MB and 2.1), for
it rewrites fewer pages of indices; a single send took a third longer (0.27 ms and 0.35). Plain rows read
plainly.

One statement stores a batch, and is a transaction of its own: one question, one answer, one lock on the row
of the position, and no transaction is ever left open by a process that died in the middle of it. COPY was as
fast for 500 sends (6.4 to 7.7 ms and 8.2), and took twice as long for one (0.58 ms and 0.25), for it needs a
transaction around it; rows one by one took 17 ms.
"""

EVENTS = """
CREATE TABLE {events} (
    notification_id bigint NOT NULL UNIQUE,
    originator_version bigint NOT NULL,
    originator_id text COLLATE "C" NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
)
"""
SNAPSHOTS = """
CREATE TABLE {events} (
    originator_id text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
)
"""
TRACKING = """
CREATE TABLE {tracking} (
    application_name text PRIMARY KEY,
    notification_id bigint NOT NULL,
    epoch bigint NOT NULL DEFAULT 0
)
"""

HISTORY_FUNCTION = """
CREATE OR REPLACE FUNCTION {schema}.ledger_history_stays() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'history is not open to argument'; END $$
"""
HISTORY_STAYS = """
CREATE TRIGGER history_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON {events}
FOR EACH STATEMENT EXECUTE FUNCTION {schema}.ledger_history_stays()
"""

TAKE = """
INSERT INTO {tracking} AS t VALUES (%(owner)s, 0, 1)
ON CONFLICT (application_name) DO UPDATE SET epoch = t.epoch + 1
RETURNING epoch, notification_id
"""
RETAKE = """
UPDATE {tracking} SET epoch = epoch + 1 WHERE application_name = %(owner)s AND epoch = %(epoch)s
RETURNING epoch, notification_id
"""

GAP = """
SELECT stream FROM unnest(%(followers)s::text[], %(followed)s::bigint[]) AS head (stream, version)
WHERE NOT EXISTS (SELECT FROM {events} WHERE originator_id = stream AND originator_version = version) LIMIT 1
"""
"""A stream whose first event in the batch does not follow the one before it; none, if all is well."""

INSERT = """
INSERT INTO {events} (notification_id, originator_id, originator_version, topic, state)
SELECT %(last)s::bigint + place, stream, version, name, state
FROM unnest(%(streams)s::text[], %(versions)s::bigint[], %(names)s::text[], %(states)s::bytea[])
WITH ORDINALITY AS given (stream, version, name, state, place)
"""
"""`last`: the number of the event before them."""

APPEND = """
WITH gap AS ({gap}), moved AS (
    UPDATE {tracking} SET notification_id = %(to)s
    WHERE application_name = %(owner)s AND notification_id = %(position)s AND epoch = %(epoch)s
    AND (SELECT coalesce(max(notification_id), 0) FROM {events}) = %(last)s AND NOT EXISTS (SELECT FROM gap)
    RETURNING 1
), stored AS ({insert} WHERE EXISTS (SELECT FROM moved))
SELECT EXISTS (SELECT FROM moved), (SELECT stream FROM gap)
"""
"""Nothing moves, and then nothing is stored, where another owner was here or a stream has a gap.

A former owner that has to wait for a new one's `TAKE` looks at the row again after it: the epoch is another.
"""

STANDING = "SELECT epoch, notification_id FROM {tracking} WHERE application_name = %(owner)s"
LAST = "SELECT max(notification_id) AS max FROM {events}"
LOCK = "LOCK TABLE {events} IN EXCLUSIVE MODE"

SELECT_STATES = """
SELECT notification_id, state FROM {events} WHERE notification_id > %s AND notification_id <= %s
ORDER BY notification_id LIMIT %s
"""
SELECT_NEWEST = """
SELECT stream, newest.state FROM unnest(%s::text[]) AS asked (stream), LATERAL (
    SELECT state FROM {events} WHERE originator_id = stream ORDER BY originator_version DESC LIMIT 1
) AS newest
"""
SELECT_EVENTS = """
SELECT originator_id, originator_version, topic, state FROM {events}
WHERE originator_id = %s AND originator_version > %s AND originator_version <= %s
ORDER BY originator_version {direction} LIMIT %s
"""

INSERT_SNAPSHOT = "INSERT INTO {events} VALUES (%s, %s, %s, %s)"
DROP_SNAPSHOTS = "DELETE FROM {events} WHERE originator_id = %s AND originator_version <= %s"
