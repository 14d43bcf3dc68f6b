"""The tables of a ledger's file, and why they are laid out so.

Conversations are random streams. The library's unique index over (stream, version) meets each of them on a
page of its own, so that a batch of 500 sends rewrites 500 pages, more of them the longer history grows: twice
the bytes per commit at 600,000 events. Here every event points back to the one before it in its stream, and
one small table says where each stream ends. What a send costs then depends on how many conversations there
are, not on how much was said; uniqueness holds as before, since a stream only ever grows at its end.

Reading goes from a stream's end backwards. So that a page in the middle of a long stream need not be reached
from its end, every 256th event of a stream is in an index, which costs next to nothing.
"""

EVENTS = """
CREATE TABLE IF NOT EXISTS {table} (
    rowid INTEGER PRIMARY KEY,
    originator_id TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    previous INTEGER,
    state BLOB NOT NULL
)
"""
"""Named `rowid` and declared: else a VACUUM could renumber the notifications."""

MILESTONES = """
CREATE INDEX IF NOT EXISTS {table}_milestones ON {table} (originator_id, originator_version)
WHERE originator_version % 256 = 0
"""

ENDS = """
CREATE TABLE IF NOT EXISTS {table}_ends (
    originator_id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    last INTEGER NOT NULL
) WITHOUT ROWID
"""

TRACKING = """
CREATE TABLE IF NOT EXISTS tracking (
    application_name TEXT PRIMARY KEY,
    notification_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""

HISTORY_STAYS = """
CREATE TRIGGER IF NOT EXISTS {table}_never_{change} BEFORE {change} ON {table}
BEGIN SELECT RAISE(ABORT, 'history is not open to argument'); END
"""

INSERT_EVENTS = """
INSERT INTO {table} (rowid, originator_id, originator_version, topic, previous, state) VALUES {{rows}}
"""
BEGIN_STREAMS = "INSERT INTO {table}_ends (originator_id, version, last) VALUES {{rows}}"
EXTEND_STREAMS = """
INSERT INTO {table}_ends (originator_id, version, last) VALUES {{rows}}
ON CONFLICT (originator_id) DO UPDATE SET version = excluded.version, last = excluded.last
"""
SELECT_ENDS = """
SELECT json_group_object(value, json_array(version, last))
FROM json_each(?) JOIN {table}_ends ON originator_id = value
"""
"""As one value: see `bulk` for what a step a row can cost."""

MILESTONE_FROM = """
SELECT rowid FROM {table}
WHERE originator_id = ? AND originator_version >= ? AND originator_version % 256 = 0
ORDER BY originator_version LIMIT 1
"""
SELECT_CHAIN = """
WITH RECURSIVE chain (id, version, previous) AS (
    SELECT rowid, originator_version, previous FROM {table} WHERE rowid = :start
    UNION ALL
    SELECT e.rowid, e.originator_version, e.previous FROM chain JOIN {table} e ON e.rowid = chain.previous
    WHERE chain.version > :low + 1
)
SELECT originator_id, originator_version, topic, state FROM chain JOIN {table} ON rowid = id
WHERE version > :low AND version <= :high
ORDER BY version
"""
SELECT_NEWEST = """
SELECT value, state FROM json_each(?)
JOIN {table}_ends ends ON ends.originator_id = value JOIN {table} ON {table}.rowid = last
"""
SELECT_STATES = "SELECT rowid, state FROM {table} WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?"

INSERT_TRACKING = """
INSERT INTO tracking (application_name, notification_id) VALUES (:application_name, :notification_id)
ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id
WHERE tracking.notification_id < excluded.notification_id
RETURNING notification_id
"""
TAKE = """
INSERT INTO tracking VALUES (:name, 0, 1)
ON CONFLICT (application_name) DO UPDATE SET epoch = epoch + 1
RETURNING epoch, notification_id
"""
RETAKE = """
UPDATE tracking SET epoch = epoch + 1 WHERE application_name = :name AND epoch = :epoch
RETURNING epoch, notification_id
"""
EPOCH = "SELECT epoch FROM tracking WHERE application_name = ?"
MOVE = """
UPDATE tracking SET notification_id = :to
WHERE application_name = :name AND notification_id = :position AND epoch = :epoch
"""
DROP_SNAPSHOTS = "DELETE FROM {table} WHERE originator_id = ? AND originator_version <= ?"
