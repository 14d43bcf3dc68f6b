"""Who calls: access tokens (JWT), and what they allow.

Development signs with a secret (HS256); production verifies with the issuer's public keys (RS256), from a
JWKS address or file. The algorithm follows from the settings and never from the token. Follows RFC 8725
(algorithm, `iss`, `aud` and `typ` are checked) and RFC 9068 (`typ` may be `at+jwt`).

Claims: `sub` the member, `acct` the account, `scope` permissions with spaces between, `name`, and `kind`:
`member` (also if missing) or `service`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import jwt
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from producers.http.problems import Problem
from schemas.actors import Actor, Permission
from schemas.base import AccountId

TOKEN_CHARACTERS_MAX = 8_192
SECRET_BYTES_MIN = 32  # RFC 7518, 3.2: as long as the hash
TOKEN_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
LEEWAY_S = 30
JWKS_TIMEOUT_S = 3
NAME_CHARACTERS_MAX = 200
_EXPIRY_MAX = 4_102_444_800  # the year 2100: far off, and still a date
_REQUIRED = ("exp", "iss", "aud", "sub", "acct")


@dataclass(frozen=True)
class AuthSettings:
    """Whose tokens hold here: exactly one of `secret`, `jwks_url`, `jwks_file` is given.

    Raises:
        ValueError: none or several are given, or the secret is too short.
    """

    issuer: str
    audience: str
    secret: str | None = None
    jwks_url: str | None = None
    jwks_file: Path | None = None

    def __post_init__(self) -> None:
        if sum(source is not None for source in (self.secret, self.jwks_url, self.jwks_file)) != 1:
            raise ValueError("give exactly one of: a token secret, a JWKS address, a JWKS file")
        if self.secret is not None and len(self.secret.encode()) < SECRET_BYTES_MIN:
            raise ValueError(f"the token secret needs at least {SECRET_BYTES_MIN} bytes")


@dataclass(frozen=True)
class Caller:
    """Whoever holds a valid access token."""

    account: str
    actor: Actor
    expires_at: datetime

    def may_any(self, permissions: Sequence[Permission]) -> bool:
        """Whether at least one of `permissions` was given."""
        return any(self.actor.may(permission) for permission in permissions)


class Tokens:
    """Checks access tokens.

    Raises:
        OSError, jwt.PyJWTError: on creation, if the file of keys cannot be read.
    """

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._algorithm = "RS256" if settings.secret is None else "HS256"
        self._local_keys = (
            jwt.PyJWKSet.from_json(settings.jwks_file.read_text()) if settings.jwks_file else None
        )
        self._remote_keys = (
            jwt.PyJWKClient(settings.jwks_url, timeout=JWKS_TIMEOUT_S) if settings.jwks_url else None
        )

    async def caller(self, token: str) -> Caller:
        """Whoever `token` was issued to.

        Raises:
            Problem: `token_invalid`, or `keys_unavailable` if the issuer's keys cannot be had.
        """
        try:
            verified = self._verified(token, await self._key(_header(token)))
            return _Claims.model_validate(verified).caller()
        except jwt.PyJWKClientConnectionError as error:
            raise Problem(
                "keys_unavailable", "The issuer's keys cannot be had.", {"Retry-After": "5"}
            ) from error
        except jwt.ExpiredSignatureError as error:
            raise invalid("The access token has expired.") from error
        except (jwt.PyJWTError, ValidationError) as error:
            raise invalid("The access token is not valid here.") from error

    async def _key(self, header: dict[str, Any]) -> Any:
        """The key that must have signed a token with `header`. Fetching keys never holds up the loop."""
        if self._settings.secret is not None:
            return self._settings.secret
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise jwt.InvalidTokenError("the token names no key")
        if self._remote_keys is not None:
            return await asyncio.to_thread(self._remote_keys.get_signing_key, kid)
        assert self._local_keys is not None
        return _of(self._local_keys, kid)

    def _verified(self, token: str, key: Any) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[self._algorithm],
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            leeway=LEEWAY_S,
            options={"require": list(_REQUIRED)},
        )


def issue(
    settings: AuthSettings,
    account: str,
    member: str,
    permissions: Sequence[Permission],
    now: datetime,
    lifetime: timedelta,
    name: str | None = None,
    kind: Literal["member", "service"] = "member",
) -> str:
    """An access token signed with the development secret.

    Raises:
        ValueError: there is no secret, so tokens come from the issuer alone.
    """
    if settings.secret is None:
        raise ValueError("only a token secret can sign tokens; these settings verify an issuer's")
    claims = {
        "iss": settings.issuer,
        "aud": settings.audience,
        "sub": member,
        "acct": account,
        "scope": " ".join(sorted(permissions)),
        "kind": kind,
        "iat": now,
        "nbf": now,
        "exp": now + lifetime,
    }
    return jwt.encode(
        claims if name is None else {**claims, "name": name}, settings.secret, "HS256", {"typ": "at+jwt"}
    )


def invalid(detail: str) -> Problem:
    """A 401 for a token that does not hold, with the challenge of RFC 6750."""
    return Problem("token_invalid", detail, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def _header(token: str) -> dict[str, Any]:
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise jwt.InvalidTokenError("the token is too long")
    header = jwt.get_unverified_header(token)
    if str(header.get("typ", "")).lower() not in TOKEN_TYPES:
        raise jwt.InvalidTokenError("the token is not an access token")
    return header


def _of(keys: jwt.PyJWKSet, kid: str) -> jwt.PyJWK:
    try:
        return keys[kid]
    except KeyError as error:
        raise jwt.InvalidTokenError("the token names a key we do not know") from error


def _known_permissions(scope: object) -> object:
    """The permissions among the scopes; other scopes are for other services. Nobody calls as the carrier."""
    if not isinstance(scope, str):
        return scope
    return (set(Permission) - {Permission.CARRIER}).intersection(scope.split(" "))


class _Claims(BaseModel):
    """What we read from a token's claims; the registered ones were checked before."""

    sub: Annotated[str, Field(min_length=1, max_length=128)]
    acct: AccountId
    exp: Annotated[int, Field(le=_EXPIRY_MAX)]
    scope: Annotated[frozenset[Permission], BeforeValidator(_known_permissions)] = frozenset()
    name: str | None = None
    kind: Literal["member", "service"] = "member"

    def caller(self) -> Caller:
        name = (self.name or "").strip()[:NAME_CHARACTERS_MAX].strip() or None
        actor = Actor(kind=self.kind, id=self.sub, name=name, permissions=self.scope)
        return Caller(self.acct, actor, datetime.fromtimestamp(self.exp, UTC))
