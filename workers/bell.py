"""What wakes the supervisor: a socket that threads and signal handlers may write to, and the doorbell's thread."""

import socket
import threading
from contextlib import suppress

from app.ports import Doorbell


class Waker:
    """Something to wait for beside pipes; waking is safe from threads and from signal handlers."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """For ``multiprocessing.connection.wait``."""
        return self._reader.fileno()

    def wake(self) -> None:
        """Make it readable; does nothing if it has been woken often enough already."""
        with suppress(BlockingIOError):
            self._writer.send(b".")

    def clear(self) -> bool:
        """Whether it was woken since the last call."""
        try:
            return bool(self._reader.recv(4096))
        except BlockingIOError:
            return False


class Bell:
    """Listens at the door on a thread of its own, while there is room for more work.

    It wakes the supervisor when the bell rings and whenever ``poll_s`` has passed.
    """

    def __init__(self, doorbell: Doorbell, poll_s: float, waker: Waker) -> None:
        self._doorbell = doorbell
        self._poll_s = poll_s
        self._waker = waker
        self._wanted = threading.Event()
        threading.Thread(target=self._listen, name="bell", daemon=True).start()

    def listen(self, *, wanted: bool) -> None:
        """Leave rings to other workers while there is no room here."""
        if wanted:
            self._wanted.set()
        else:
            self._wanted.clear()

    def _listen(self) -> None:
        while self._wanted.wait():
            self._doorbell.wait(self._poll_s)
            self._waker.wake()
