"""Servers that Sayso leans on, started on this machine: for tests, drills and `sayso cluster`."""
