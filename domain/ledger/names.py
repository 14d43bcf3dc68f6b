"""The names of streams: keyed hashes, so that a name gives nothing away and the same thing has the same name.

A name is one letter for its kind, `a` account, `b` bulk, `c` conversation, `p` candidate or `r` receipt, and
22 letters, digits, `-` or `_`: 128 bits in base64url, since names are in every event and every index.
"""

from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

HASH_BYTES = 16
SECRET_BYTES_MAX = 64  # RFC 7693, 2.1
CACHED_NAMES_MAX = 16_384
HASH_LETTERS = 22  # of base64, without the padding
HASH_LETTERS_AFTER_TIME = 16  # 96 bits within one millisecond
_VERSION_MASK, _VERSION_7 = 0xF << 76 | 3 << 62, 7 << 76 | 2 << 62  # RFC 9562, 4.1 and 4.2


class StreamNames:
    """Names streams under one secret. Another secret gives other names: it can never be changed."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: 16 to 64 bytes.

        Raises:
            ValueError: too short to keep anything secret, or longer than the hash takes.
        """
        if not HASH_BYTES <= len(secret) <= SECRET_BYTES_MAX:
            raise ValueError(f"the secret must have {HASH_BYTES} to {SECRET_BYTES_MAX} bytes")
        self._receipt_hash = self._keyed(secret, b"receipt")
        self._command_hash = self._keyed(secret, b"command")
        self._secret = secret
        self.account = lru_cache(CACHED_NAMES_MAX)(self._account)
        self.conversation = lru_cache(CACHED_NAMES_MAX)(self._conversation)
        self.candidate = lru_cache(CACHED_NAMES_MAX)(self._candidate)
        self.bulk = lru_cache(CACHED_NAMES_MAX)(self._bulk)

    def receipt(self, account: str, command_id: UUID) -> str:
        """The stream of one command's receipt.

        The 48 bits of time in a command id of version 7 (RFC 9562, 5.7) come first, so that receipts arrive
        almost in the order of the ledger's tables, which is 2-3 times faster than at random.
        """
        number = command_id.int
        hashed = self._receipt_hash.copy()
        hashed.update(account.encode() + number.to_bytes(16))
        letters = urlsafe_b64encode(hashed.digest()).decode()
        if number & _VERSION_MASK != _VERSION_7:
            return f"r{letters[:HASH_LETTERS]}"
        return f"r{number >> 80:012x}{letters[:HASH_LETTERS_AFTER_TIME]}"

    def fingerprint(self, command: bytes) -> str:
        """32 hex digits that tell one command's content from another's, and nothing else."""
        hashed = self._command_hash.copy()
        hashed.update(command)
        return hashed.hexdigest()

    def _account(self, account: str) -> str:
        """The stream of an account."""
        return self._name("a", b"account", account.encode())

    def _conversation(self, account: str, number: str) -> str:
        """The stream of what an account and a number have said to each other."""
        return self._name("c", b"conversation", f"{account} {number}".encode())

    def _candidate(self, account: str, candidate: str) -> str:
        """The stream of a candidate."""
        return self._name("p", b"candidate", f"{account} {candidate}".encode())

    def _bulk(self, account: str, bulk: UUID) -> str:
        """The stream of a bulk."""
        return self._name("b", b"bulk", account.encode() + bulk.bytes)

    def _name(self, letter: str, kind: bytes, content: bytes) -> str:
        hashed = self._keyed(self._secret, kind)
        hashed.update(content)
        return letter + urlsafe_b64encode(hashed.digest())[:HASH_LETTERS].decode()

    @staticmethod
    def _keyed(secret: bytes, kind: bytes) -> blake2b:
        """A hash to begin with; a copy of it costs half as much as another one."""
        return blake2b(digest_size=HASH_BYTES, key=secret, person=kind)
