"""The process that does the work, as its supervisor sees it: it may die at any time and never outlives him."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from workers.messages import FromChild, ToChild

_PR_SET_PDEATHSIG = 1
_STOP_S = 5.0


class Child:
    """A child process and the pipe to it."""

    def __init__(self, entry: str, argument: object) -> None:
        """Start it.

        Args:
            entry: ``module:function``, imported in the child only, so that the supervisor stays light. The
                function gets the child's end of the pipe and ``argument``.
            argument: Anything that can be pickled.
        """
        context = multiprocessing.get_context("spawn")  # a fork would copy locks of threads that are not there
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_enter, args=(theirs, entry, argument, os.getpid()), daemon=True, name="soundkin-work"
        )
        self._process.start()
        theirs.close()  # else the end of the child would not be the end of the pipe

    @property
    def sentinel(self) -> int:
        """Becomes readable when the process has ended."""
        return self._process.sentinel

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.is_alive()

    def send(self, message: ToChild) -> None:
        """Tell it something; a child that has died is noticed elsewhere."""
        try:
            self.connection.send(message)
        except OSError:
            return

    def messages(self) -> Iterator[FromChild]:
        """Everything that it has said, without waiting. Also what it said before it died."""
        try:
            while self.connection.poll():
                yield self.connection.recv()
        except (EOFError, OSError):
            return

    def kill(self) -> None:
        """End it at once, wherever it is."""
        self._process.kill()
        self._process.join(_STOP_S)

    def cause_of_death(self) -> str:
        """How it ended, for people."""
        self._process.join(_STOP_S)
        code = self._process.exitcode
        if code is None:
            return "closed its pipe"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"exited with status {code}"


def _enter(connection: Connection, entry: str, argument: object, parent: int) -> None:
    _die_with(parent)
    # Signals from a terminal reach the whole group; the supervisor decides what they mean for its child.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    module, function = entry.split(":")
    main: Callable[[Connection, Any], None] = getattr(import_module(module), function)
    main(connection, argument)


def _die_with(parent: int) -> None:
    """Let the kernel end this process with its parent; elsewhere than on Linux the end of the pipe must do."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
