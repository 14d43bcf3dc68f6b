"""What whoever reads a store meets where it is away, whichever store and whichever library that is."""


class StoreUnavailable(Exception):
    """A store cannot be read or written just now: a server is away, a file locked or broken. Try again.

    What was asked for did not happen.
    """
