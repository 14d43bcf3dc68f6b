"""A wire between us and a server, which can lose what goes over it as networks do."""

import socket
from contextlib import suppress
from threading import Lock, Thread

from psycopg.conninfo import conninfo_to_dict, make_conninfo

HOST = "127.0.0.1"


class Wire:
    """Carries connections to the server behind `dsn`; `self.dsn` leads through it."""

    def __init__(self, dsn: str) -> None:
        server = conninfo_to_dict(dsn)
        self._server = (str(server["host"]), int(str(server["port"])))
        self._listener = socket.create_server((HOST, 0))
        self.dsn = make_conninfo(**{**server, "port": self._listener.getsockname()[1]})
        self._lock = Lock()
        self._ends: list[socket.socket] = []
        self._threads: list[Thread] = []
        self._losing = self._refusing = False
        self._start(self._accept)

    def lose_the_next_answer(self, *, then_refuse: bool = False) -> None:
        """The server gets what it is sent, and does it; its next answer is lost, and the connection with it.

        New ones come about afterwards, unless `then_refuse`.
        """
        self._losing, self._refuse_then = True, then_refuse

    def cut(self) -> None:
        """Nothing gets through any more, and nobody."""
        self._refusing = True
        with self._lock:
            ends = list(self._ends)
        for end in ends:
            _shut(end)

    def mend(self) -> None:
        """All is well again."""
        self._losing = self._refusing = False

    def close(self) -> None:
        """Cut everything."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                if self._refusing:
                    client.close()
                    continue
                server = socket.create_connection(self._server)
                with self._lock:
                    self._ends += client, server
                self._start(self._carry, client, server)
                self._start(self._carry_answers, server, client)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65_536):
                server.sendall(data)
        _shut(server)

    def _carry_answers(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                if self._losing:
                    self._losing, self._refusing = False, self._refuse_then
                    break
                client.sendall(data)
        _shut(client)
        _shut(server)

    def _start(self, work: object, *arguments: socket.socket) -> None:
        assert callable(work)
        self._threads.append(Thread(target=work, args=arguments, daemon=True))
        self._threads[-1].start()


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
