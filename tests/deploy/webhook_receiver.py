"""Somebody who is called by webhooks: an HTTP server that writes down what it gets."""

from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Self
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the whole URL, the form, the headers in lower case."""

    url: str
    form: dict[str, str]
    headers: dict[str, str]


class WebhookReceiver:
    """Answers every POST with `answer`, on a free port of loopback."""

    def __init__(self, answer: int = 204) -> None:
        self.calls: Queue[Call] = Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = dict(parse_qsl(body, keep_blank_values=True, strict_parsing=True))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.calls.put(Call(receiver.url + self.path, form, headers))
                self.send_response(answer)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Tests say what they saw; the log adds nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def take(self, count: int = 1) -> list[Call]:
        """The next calls, in the order in which they came. Fails the test if they do not come."""
        return [self.calls.get(timeout=5) for _ in range(count)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
