"""A server whose answers a test writes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def answering(answer: Callable[[str], str]) -> Iterator[int]:
    """Yield the port of a server that answers with `answer(headers)` and closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, suppress(OSError):
                head = client.recv(65536).partition(b"\r\n\r\n")[0]
                client.sendall(answer(head.decode("latin-1")).encode("latin-1"))
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):  # until the other end has read it all
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        # A close() alone does not wake the thread that waits in accept().
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def http(status: str, body: str, *headers: str) -> str:
    """Return an HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines) + "\r\n\r\n" + body
