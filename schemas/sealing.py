"""What personal fields are sealed with: one AES-GCM key per stream of a person, in generations.

A key that was erased takes everything sealed under it along. When the same stream meets a person again, it
gets a key of the next generation; what was sealed before stays closed.
"""

import os
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D, 5.2.1.1
GENERATION_BYTES = 2
NONCES_DRAWN = 256


class Unsealable(ValueError):
    """A box does not open, although its key is there: it was changed, moved, or the key is another one."""


_nonces: list[bytes] = []
"""Drawn at once, since a call into the system costs as much as half a seal; each is used for one box."""
os.register_at_fork(after_in_child=_nonces.clear)  # or parent and child would seal with the same ones


def _nonce() -> bytes:
    try:
        return _nonces.pop()
    except IndexError:
        drawn = os.urandom(NONCES_DRAWN * NONCE_BYTES)
        _nonces.extend(drawn[at : at + NONCE_BYTES] for at in range(NONCE_BYTES, len(drawn), NONCE_BYTES))
        return drawn[:NONCE_BYTES]


class SealingKey:
    """One generation of a stream's key. A box is generation, nonce, then the ciphertext with its tag."""

    __slots__ = ("_aes", "_prefix", "generation")

    def __init__(self, key: bytes, generation: int) -> None:
        self.generation = generation
        self._aes = AESGCM(key)
        self._prefix = generation.to_bytes(GENERATION_BYTES)

    def seal(self, plain: bytes, bound_to: bytes) -> bytes:
        """`plain` in a box that opens only together with the same `bound_to`."""
        nonce = _nonce()
        return self._prefix + nonce + self._aes.encrypt(nonce, plain, bound_to)

    def open(self, box: bytes, bound_to: bytes) -> bytes | None:
        """What is in `box`; None if it was sealed under an earlier key, which was erased.

        Raises:
            Unsealable: the box or what it is bound to was changed, or it needs a later key than this one.
        """
        generation = int.from_bytes(box[:GENERATION_BYTES])
        if 1 <= generation < self.generation:
            return None
        if generation > self.generation:
            raise Unsealable(f"sealed under key {generation}, the keystore has only {self.generation}")
        start = GENERATION_BYTES + NONCE_BYTES
        try:
            return self._aes.decrypt(box[GENERATION_BYTES:start], box[start:], bound_to)
        except (InvalidTag, ValueError) as error:
            raise Unsealable("the seal is broken") from error


class Keys(Protocol):
    """Where the codec finds a stream's key."""

    def cipher(self, stream: str) -> SealingKey | None:
        """The newest key of `stream`; None if there is none, or none any more."""
        ...
