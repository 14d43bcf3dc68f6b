"""Reading the topics: the wire to a cluster, batches of records, and one shard's partition of each topic.

Whoever fills the topics reads them, too, to find out how far they are; so this stands below both the
producers and the consumers.
"""
