"""The link that can be hurt does what is asked of it."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.drills.proxy import END_TXN, HALF_OPEN, WELL, Manner, Proxy


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that says everything back."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]


def _serve(listening: socket.socket) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_echo, args=(connection,), daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with connection, suppress(ConnectionResetError):
        while data := connection.recv(4_096):
            connection.sendall(data)


def talk(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=30)


def test_a_link_that_is_well_passes_everything_on(echo: int) -> None:
    with Proxy(echo) as proxy, talk(proxy) as client:
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"


def test_a_half_open_link_says_nothing_until_it_is_well_again(echo: int) -> None:
    with Proxy(echo) as proxy, talk(proxy) as client:
        proxy.behave(HALF_OPEN)
        client.sendall(b"hello")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(5)
        client.settimeout(30)
        proxy.behave(WELL)
        assert client.recv(5) == b"hello"


@pytest.mark.parametrize("reset", [False, True])
def test_what_is_held_arrives_later_unless_its_sender_resets_the_connection(reset: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Proxy(server.getsockname()[1]) as proxy:
        with talk(proxy) as client:
            connection, _ = server.accept()
            proxy.behave(Manner(held=frozenset({"up"})))
            client.sendall(b"hello")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", reset, 0))
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(5)
        proxy.behave(WELL)
        connection.settimeout(30)
        with connection:
            if reset:
                with pytest.raises(ConnectionResetError):
                    connection.recv(5)
            else:
                assert connection.recv(5) == b"hello"
                assert connection.recv(5) == b""


def test_of_several_connections_only_some_are_held(echo: int) -> None:
    with Proxy(echo) as proxy, talk(proxy) as held, talk(proxy) as free:
        proxy.behave(Manner(held=frozenset({"up"}), one_in=2))
        for client in (held, free):
            client.sendall(b"hello")
        assert free.recv(5) == b"hello"
        held.settimeout(0.3)
        with pytest.raises(TimeoutError):
            held.recv(5)


def test_a_reset_is_one(echo: int) -> None:
    with Proxy(echo) as proxy, talk(proxy) as client:
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            client.recv(5)


def test_a_cut_ends_a_connection_and_new_ones_may_come(echo: int) -> None:
    with Proxy(echo) as proxy:
        with talk(proxy) as client:
            client.sendall(b"hello")
            assert client.recv(5) == b"hello"
            proxy.cut()
            assert client.recv(5) == b""
        with talk(proxy) as client:
            client.sendall(b"again")
            assert client.recv(5) == b"again"


def test_new_connections_can_be_refused(echo: int) -> None:
    with Proxy(echo) as proxy:
        proxy.behave(Manner(refuses=True))
        with pytest.raises(ConnectionResetError), talk(proxy) as client:
            client.recv(1)


def test_the_end_of_a_transaction_arrives_late_even_if_its_sender_has_gone() -> None:
    request = struct.pack(">ihhi", 8, END_TXN, 3, 7)
    with (
        socket.create_server(("127.0.0.1", 0)) as broker,
        Proxy(broker.getsockname()[1], kafka=True) as proxy,
    ):
        proxy.hold_next_end(0.3)
        with talk(proxy) as client:
            connection, _ = broker.accept()
            client.sendall(request)
        connection.settimeout(30)
        with connection:
            assert connection.recv(100) == request
        assert proxy.ends_held == 1
