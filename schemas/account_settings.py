"""What an account chooses for itself."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Language, LocalTime, Message, Region, ShortText, SortedSet

FirstText = Literal["advise", "append", "require"]


class QuietHours(Message):
    """The account's own quiet hours, local to the recipient; they only ever add to the country's."""

    quiet_from: LocalTime
    quiet_until: LocalTime
    quiet_sunday: bool = False


class AccountSettings(Message):
    """Everything an account can set, with its defaults."""

    company: ShortText | None = None
    language: Language = "en"
    keyword_packs: Annotated[SortedSet[Language], Field(max_length=24)] = frozenset()
    first_text: FirstText = "advise"
    quiet_hours: QuietHours | None = None
    blocked_regions: Annotated[SortedSet[Region], Field(max_length=250)] = frozenset()
    carrier_answers_help: bool = True
    carrier_confirms_stop: bool = True


class SettingsChange(AccountSettings):
    """Those settings that change; what is left out stays. `null` clears what may be empty."""

    def applied_to(self, settings: AccountSettings) -> AccountSettings:
        """`settings` with the fields that were given replaced."""
        return settings.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})
