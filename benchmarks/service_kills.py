"""What a service that was killed at a bad moment is like afterwards."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from signal import SIGTERM

from benchmarks.service_process import Service

_BUILD_S = 1.0


@dataclass(frozen=True, slots=True)
class Survival:
    """How a service came back.

    Attributes:
        killed: When.
        ready_s: Until it could serve again.
        agrees: Whether its index was as the database then.
    """

    killed: str
    ready_s: float
    agrees: bool


def survivals(service: Service) -> Iterator[Survival]:
    """Kill it at each bad moment, and start it again."""
    moments: Mapping[str, Callable[[Service], None]] = {
        "while an index is read": _while_reading,
        "while an index is improved": _while_improving,
        "while a snapshot is written": _while_writing,
    }
    for moment, be_there in moments.items():
        be_there(service)
        service.kill()
        yield Survival(moment, service.start(), service.agrees())
        service.kill()


def _while_reading(service: Service) -> None:
    service.forget_snapshots()
    service.launch()
    service.wait_until(lambda: not service.is_refused())
    time.sleep(_BUILD_S)


def _while_improving(service: Service) -> None:
    service.forget_snapshots()
    service.start()
    time.sleep(2 * _BUILD_S)


def _while_writing(service: Service) -> None:
    """A temporary file is there from the first byte to the last; a small one may be gone too soon to be seen."""
    service.forget_snapshots()
    service.start()
    process = service.process
    process.send_signal(SIGTERM)
    while process.poll() is None and not any(service.snapshots.rglob("*.tmp")):
        time.sleep(0.001)
