"""Fetching what came with replies, from where it is expected and nowhere else, and storing it sealed."""
