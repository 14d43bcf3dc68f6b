"""Structured logs on standard error, with nothing personal in them: JSON, one object a line, or for people.

What an exception or a library says may quote what somebody wrote. So of an exception only its kind and its
frames are told, and of most libraries only which one spoke, and where.
"""

import logging
import sys
import threading
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any, Literal

import structlog

from schemas import tracing

Format = Literal["auto", "json", "console"]
"""`auto`: for people where standard error is a terminal, else JSON."""

LIBRARIES_LEVEL = logging.WARNING
"""Libraries show requests, statements and their values below it, whatever level we log at ourselves."""
QUOTED = ("kafka", "opentelemetry", "uvicorn")
"""Libraries whose warnings speak of connections, never of content."""

_Event = MutableMapping[str, Any]


def configure_logs(level: str, form: Format = "auto") -> None:
    """Send everything at `level` (a name of `logging`) and above to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_trace,
            _traceback_without_values,
            _renderer(form),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is when something is logged
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(handler, _FromLibraries) for handler in root.handlers):
        root.addHandler(_FromLibraries(LIBRARIES_LEVEL))


def log_last_words() -> None:
    """What ends a thread or the process goes to the log like any other failure: without its words."""
    log = structlog.get_logger()

    def of_the_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("process_failed", exc_info=(kind, error, trace))

    def of_a_thread(args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread else None
        log.critical(
            "thread_failed", thread=name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback)
        )

    sys.excepthook = of_the_process
    threading.excepthook = of_a_thread


def _renderer(form: Format) -> Callable[[Any, str, _Event], str | bytes]:
    if form == "console" or (form == "auto" and sys.stderr.isatty()):
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.processors.JSONRenderer()


def _with_trace(_: Any, __: str, event: _Event) -> _Event:
    """The trace of the span under way; a line that names one itself keeps it."""
    for name, value in tracing.named(tracing.here()).items():
        event.setdefault(name, value)
    return event


def _traceback_without_values(_: Any, __: str, event: _Event) -> _Event:
    """Where an exception came from and of which kind it is; its words may quote what somebody wrote."""
    given = event.pop("exc_info", None)
    if given:
        kind, trace = _failure(given)
        event["error"] = None if kind is None else kind.__name__
        frames = []
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        event["frames"] = frames
    return event


def _failure(given: Any) -> tuple[type[BaseException] | None, TracebackType | None]:
    """Whatever stands for an exception in `exc_info`."""
    match given:
        case BaseException():
            return type(given), given.__traceback__
        case (kind, _, trace):
            return kind, trace
        case _:
            kind, _, trace = sys.exc_info()
            return kind, trace


class _FromLibraries(logging.Handler):
    """What libraries log goes the way of our own lines, and says no more than it may."""

    def emit(self, record: logging.LogRecord) -> None:
        said: dict[str, Any] = {
            "library": record.name,
            "place": f"{record.filename}:{record.lineno} {record.funcName}",
        }
        if record.name.partition(".")[0] in QUOTED:
            said["said"] = record.getMessage()
        if record.exc_info:
            said["exc_info"] = record.exc_info
        structlog.get_logger().log(record.levelno, "library", **said)
