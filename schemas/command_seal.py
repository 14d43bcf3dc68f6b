"""The seal on commands of our own doors, which may do what nobody else may: HMAC-SHA256 over the value.

Anybody who may write to the commands topic could call themselves the carrier. A command that does is believed
only with the header `sayso-seal`, which takes the secret that only Sayso's own processes have.
"""

from hashlib import sha256
from hmac import compare_digest, digest

from schemas.actors import Actor, Permission

_PURPOSE = b"sayso commands v1"  # the secret names streams, too; no key serves two purposes
_WITHIN = frozenset({"carrier", "system"})


class CommandSeal:
    """Seals the values of command records, and tells whether a seal holds."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: the one that names streams; the key is derived from it."""
        self._key = digest(secret, _PURPOSE, sha256)

    def of(self, value: bytes) -> bytes:
        """The header's value: 64 hex digits in ASCII."""
        return digest(self._key, value, sha256).hex().encode()

    def holds(self, value: bytes, seal: bytes | None) -> bool:
        """Whether `seal` was made over exactly `value`. Takes as long for a wrong one as for a right one."""
        return seal is not None and compare_digest(self.of(value), seal)


def must_be_sealed(actor: Actor) -> bool:
    """Whether only our own doors speak as this actor."""
    return actor.kind in _WITHIN or Permission.CARRIER in actor.permissions
