"""Structured logs: one JSON object a line, on standard error, with nothing personal in it."""

import logging
import sys

import structlog


def configure_logs(level: str) -> None:
    """Send everything at `level` (a name of `logging`) and above to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _traceback_without_values,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is when something is logged
        cache_logger_on_first_use=False,
    )


def _traceback_without_values(
    _: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Where an exception came from and of which kind it is; its words may quote what somebody wrote."""
    if event.pop("exc_info", None):
        kind, _error, trace = sys.exc_info()
        event["error"] = None if kind is None else kind.__name__
        frames = []
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        event["frames"] = frames
    return event
