"""The recruiter's page: rendered here, kept alive by small scripts of our own.

It changes nothing by itself: every form posts a command to the commands' door, and every page is read through
`projections.queries`. A page that changed elsewhere is fetched again, and what differs is put in place.
"""
