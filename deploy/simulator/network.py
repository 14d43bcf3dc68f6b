"""The carrier at work: takes texts, delivers them to phones, reports, and passes answers back."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from deploy.simulator.behaviour import Behaviour, Happens, Reports, plan
from deploy.simulator.errors import ApiError
from deploy.simulator.keywords import OptOutType, keyword
from deploy.simulator.media import MediaStore, NewMedia, addresses
from deploy.simulator.message import Message, Status, fresh
from deploy.simulator.networks import overwritten
from deploy.simulator.new_message import NewMessage
from deploy.simulator.segments import billed_segments
from deploy.simulator.settings import SimulatorSettings
from deploy.simulator.store import Store
from deploy.simulator.taken import Taken
from deploy.simulator.webhooks import Webhooks, inbound_params, status_params

REPORTS_FIRST_S_MAX = 10.0
"""How long an answer waits for the callbacks that are to overtake it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A text that was taken, the record of it, and its delivery while that goes on."""

    message: Message
    taken: Taken
    delivery: asyncio.Task[None]


class Network:
    """One carrier account with its phones. Used from one event loop only."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.weather = settings.weather
        self.store = Store(settings.phones_max, settings.messages_max)
        self.media = MediaStore()
        self.url = ""
        """Where it is served, for the addresses that it gives out."""
        self._webhooks = Webhooks(settings)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def next_behaviour(self, number: str) -> Behaviour:
        """How the next request for `number` is treated: as it was told, or as the weather is."""
        nth = self.store.count_request(number)
        return self.store.behaviour(number) or self.weather.behaviour(number, nth)

    def accept(self, new: NewMessage, how: Behaviour) -> Accepted:
        """Take a text and begin to deliver it. Raises ApiError where the carrier refuses."""
        if how.error_code:
            raise ApiError(how.error_code, how.retry_after_s, problem_details=how.problem_details)
        if self.settings.opt_out.enabled and self.store.opted_out(new.to, new.opt_out_key):
            raise ApiError(21610)
        message = fresh(
            "outbound-api",
            to=new.to,
            sender=new.sender,
            service=new.service,
            body=new.body,
            status="accepted" if new.service else "queued",
            segments=0 if new.service else _billed(new.body, how),
            callback=new.callback,
        )
        self.store.put(message)
        taken = self.store.taken.add(message)
        return Accepted(message, taken, self._begin(self._deliver(message, how)))

    def answer(self, phone: str, sender: str, body: str, media: Sequence[NewMedia] = ()) -> Message:
        """The candidate with `phone` writes to `sender`: the carrier heeds keywords and passes it on."""
        message = fresh(
            "inbound",
            to=sender,
            sender=phone,
            service=self.settings.service_of(sender),
            body=body,
            status="received",
            segments=max(1, billed_segments(body)),
            media=len(media),
        )
        self.store.put(message)
        for new in media:
            self.media.put(message.sid, new)
        kind = keyword(body) if self.settings.opt_out.enabled else None
        if kind:
            self._heed(kind, message)
        self._begin(self._pass_on(message, kind))
        return message

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until all is let go."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    async def until_reported(self, accepted: Accepted) -> None:
        """Wait for the callbacks of a text, for a while, or until all is let go."""
        closing = asyncio.ensure_future(self._closing.wait())
        await asyncio.wait(
            {accepted.delivery, closing},
            timeout=REPORTS_FIRST_S_MAX,
            return_when=asyncio.FIRST_COMPLETED,
        )
        closing.cancel()

    @property
    def closing(self) -> bool:
        """Whether all is being let go."""
        return self._closing.is_set()

    def let_go(self) -> None:
        """End every pause and every open stream, so that nobody is held up by a server that stops."""
        self._closing.set()
        self.store.close()

    async def close(self) -> None:
        """Give up what is under way."""
        self.let_go()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._webhooks.close()

    async def _deliver(self, message: Message, how: Behaviour) -> None:
        delay_s = self.settings.status_delay_s if how.status_delay_s is None else how.status_delay_s
        for step in plan(how, message.status):
            match step:
                case Happens(status):
                    await asyncio.sleep(delay_s)
                    message = self._moved(message, status, how)
                    self.store.put(message)
                case Reports(status) if how.report_after_s:
                    self._begin(self._report_late(message, status, how.report_after_s))
                case Reports(status):
                    message = await self._report(message, status)
        if how.reply and message.status == "delivered" and message.sender:
            await asyncio.sleep(how.reply_after_s)
            self.answer(message.to, message.sender, how.reply)

    def _moved(self, message: Message, status: Status, how: Behaviour) -> Message:
        now = datetime.now(UTC)
        failed = status in {"undelivered", "failed"}
        sender = message.sender or self._pick(message.service or "", message.to)
        return replace(
            message,
            status=status,
            sender=sender,
            segments=message.segments or _billed(message.body, how),
            shown_as=how.sender or (overwritten(sender, message.to) if how.overwritten else None),
            updated_at=now,
            sent_at=now if status == "sent" else message.sent_at,
            error_code=how.ends_with_code if failed else None,
        )

    def _pick(self, service: str, to: str) -> str:
        """The number of `service` that this recipient always gets."""
        pool = self.settings.services[service]
        return pool[int(to[1:]) % len(pool)]

    async def _report_late(self, message: Message, status: Status, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._report(message, status)

    async def _report(self, message: Message, status: Status) -> Message:
        """Call back about `status`; where that fails, the text says so."""
        if not message.callback:
            return message
        params = status_params(message, status, self.settings.account_sid)
        problem = await self._webhooks.post(message.callback, params)
        if not problem:
            return message
        now = self.store.get(message.sid) or message  # it may have gone on while this was said late
        noted = replace(now, note=f"Status “{status}” not reported: {problem}")
        self.store.put(noted)
        return noted

    def _heed(self, kind: OptOutType, message: Message) -> None:
        """Twilio's own part: block or unblock the pair, and say so to the phone.

        While nothing is blocked, START changes nothing and YES is an ordinary answer.
        """
        phone, sender = message.phone, message.service or message.to
        texts = self.settings.opt_out
        if kind == "STOP":
            self.store.opt_out(phone, sender)
            self._say(message, texts.stopped)
        elif kind == "HELP":
            self._say(message, texts.helped)
        elif self.store.opted_out(phone, sender):
            self.store.opt_in(phone, sender)
            self._say(message, texts.started)

    def _say(self, heard: Message, body: str) -> None:
        """The carrier's own text, from the number that was written to."""
        if self.settings.opt_out.answers:
            own = fresh(
                "outbound-reply",
                to=heard.phone,
                sender=heard.to,
                service=heard.service,
                body=body,
                status="delivered",
                segments=billed_segments(body),
            )
            self.store.put(own)

    async def _pass_on(self, message: Message, kind: OptOutType | None) -> None:
        problem: str | None = "no address for answers is set"
        if url := self.settings.inbound_url:
            opt_out_type = kind if self.settings.opt_out.advanced else None
            account_sid = self.settings.account_sid
            media = addresses(self.media.of(message.sid), self.url, account_sid)
            params = inbound_params(message, account_sid, opt_out_type, media)
            problem = await self._webhooks.post(url, params)
        if problem:
            self.store.put(replace(message, note=f"Not passed on: {problem}"))

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _billed(body: str, how: Behaviour) -> int:
    return how.segments or max(1, billed_segments(body) + how.segments_more)
