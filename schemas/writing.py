"""Ids and moments as text, cheaply: every command pays for a few of them."""

from datetime import datetime
from uuid import UUID

from pydantic_core import SchemaSerializer, core_schema

_uuid = SchemaSerializer(core_schema.uuid_schema()).to_json
_moment = SchemaSerializer(core_schema.datetime_schema()).to_json


def id_text(id: UUID) -> str:
    """What `str` gives, at half the price."""
    return _uuid(id)[1:-1].decode()


def moment_text(moment: datetime) -> str:
    """What `isoformat` gives, at half the price where it is in UTC."""
    quoted = _moment(moment)
    return f"{quoted[1:-2].decode()}+00:00" if quoted.endswith(b'Z"') else moment.isoformat()
