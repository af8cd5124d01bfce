"""What can come of a call beside its answer: leaves of the tree in ``app.errors``.

Transient
└── ServiceAway
Permanent
├── ServiceRefused
│   └── EveryCallRefused
└── JobGivenUp
"""

from app.errors import Permanent, Transient


class ServiceAway(Transient):
    """Nothing answered, for as long as the client was willing to wait."""


class ServiceRefused(Permanent):
    """The service answered with a problem; the message is the problem's detail."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class EveryCallRefused(ServiceRefused):
    """A problem that has nothing to do with this one call: a wrong key, a full disk."""


class JobGivenUp(Permanent):
    """A job that was waited for failed or was cancelled; the message says why."""
