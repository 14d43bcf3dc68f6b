"""The language: commands, events, receipts and topics, how they are stored, sealed and read back.

Every other room speaks it, and it imports nothing of ours. What stands here is data and its codec; what the
words mean for a candidate is decided in `domain`.
"""
