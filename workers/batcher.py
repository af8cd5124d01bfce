"""Rows of several tracks in one device batch; what is urgent goes ahead."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

import structlog
import torch

from models.encoder import Encoder

log = structlog.get_logger(__name__)

MAX_ROWS = 256

EXIT_DEVICE_LOST = 70
"""Exit status with which a process gives up a device that does not work any more (sysexits: EX_SOFTWARE)."""

Kind: TypeAlias = tuple[str, torch.Size, torch.dtype]


@dataclass(slots=True)
class _Request:
    """The rows of one track on their way through the device."""

    encoder: Encoder
    inputs: torch.Tensor
    rank: tuple[int, int]
    sent: int = 0
    outputs: list[torch.Tensor] = field(default_factory=list)
    future: "Future[torch.Tensor]" = field(default_factory=Future)

    @property
    def kind(self) -> Kind:
        """Requests of one kind fit into one batch."""
        return self.encoder.manifest.digest, self.inputs.shape[1:], self.inputs.dtype


@dataclass(frozen=True, slots=True)
class _Part:
    """Consecutive rows of one request within a batch."""

    request: _Request
    start: int
    stop: int

    @property
    def rows(self) -> torch.Tensor:
        return self.request.inputs[self.start : self.stop]


class Batcher:
    """Runs encoders on their device, from one thread.

    Before every batch the most urgent request is looked for anew, and long ones are cut: a query clip waits for
    one batch at most, however much else is there.
    """

    def __init__(
        self,
        max_rows: int = MAX_ROWS,
        device_threads: int | None = None,
        device_lost: Callable[[], None] = lambda: os._exit(EXIT_DEVICE_LOST),
    ) -> None:
        """Start the thread.

        Args:
            max_rows: Of a batch; less once the device's memory turns out too small.
            device_threads: How many threads torch may use for a batch on the CPU; ``None`` leaves its choice.
            device_lost: Called when the device does not work any more: as a rule only a new process helps.
        """
        self._max_rows = max_rows
        self._device_threads = device_threads
        self._device_lost = device_lost
        self._numbers = count()
        self._waiting: list[_Request] = []
        self._changed = threading.Condition()
        self._closed = False
        self._batches: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name="device", daemon=True)
        self._thread.start()

    def encode(self, encoder: Encoder, inputs: torch.Tensor, priority: int) -> torch.Tensor:
        """Run (B, …) rows through the encoder, together with those of others, and return its rows on the CPU.

        Blocks. What the encoder raises is raised here, for the request that caused it only.
        """
        if not len(inputs):
            raise ValueError(f"Encoder {encoder.manifest.name} prepared no rows; at least one was expected.")
        request = _Request(encoder, inputs, (priority, next(self._numbers)))
        with self._changed:
            self._waiting.append(request)
            self._changed.notify()
        return request.future.result()

    def take_fill(self) -> dict[str, tuple[int, int]]:
        """Batches and rows by encoder since the last call."""
        with self._changed:
            fill = {name: (number, self._rows[name]) for name, number in self._batches.items()}
            self._batches.clear()
            self._rows.clear()
        return fill

    def close(self) -> None:
        """Stop when what waits is done."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        if self._device_threads:
            claim_threads(self._device_threads)
        while parts := self._next_batch():
            self._encode(parts)

    def _next_batch(self) -> list[_Part]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            self._waiting.sort(key=lambda request: request.rank)
            parts = self._fill() if self._waiting else []
            self._waiting = [request for request in self._waiting if request.sent < len(request.inputs)]
        return parts

    def _fill(self) -> list[_Part]:
        room = self._max_rows
        kind = self._waiting[0].kind
        parts = []
        for request in self._waiting:
            if room and request.kind == kind:
                stop = min(len(request.inputs), request.sent + room)
                parts.append(_Part(request, request.sent, stop))
                room -= stop - request.sent
                request.sent = stop
        return parts

    def _encode(self, parts: Sequence[_Part]) -> None:
        encoder = parts[0].request.encoder
        rows = torch.cat([part.rows for part in parts])
        try:
            with torch.inference_mode():
                outputs = encoder.encode(rows.to(encoder.device)).cpu()
        except torch.OutOfMemoryError as error:
            self._shrink(parts, len(rows), error)
        except Exception as error:  # noqa: BLE001  # whatever an encoder raises belongs to a job, not to this thread
            if not works(encoder.device):
                log.critical("device.lost", device=str(encoder.device), error=str(error))
                self._device_lost()
            self._blame(parts, error)
        else:
            self._hand_out(parts, outputs)

    def _hand_out(self, parts: Sequence[_Part], outputs: torch.Tensor) -> None:
        name = parts[0].request.encoder.manifest.name
        with self._changed:
            self._batches[name] += 1
            self._rows[name] += len(outputs)
        sizes = [part.stop - part.start for part in parts]
        for part, rows in zip(parts, torch.split(outputs, sizes), strict=True):
            request = part.request
            request.outputs.append(rows)
            if part.stop == len(request.inputs) and not request.future.done():
                request.future.set_result(torch.cat(request.outputs))

    def _shrink(self, parts: Sequence[_Part], rows: int, error: Exception) -> None:
        """The batch was too large for the device's memory: smaller ones from now on."""
        if rows == 1:
            self._blame(parts, error)
            return
        self._max_rows = rows // 2
        log.warning("batch.too_large", rows=rows, rows_from_now_on=self._max_rows)
        for part in parts:
            middle = (part.start + part.stop) // 2
            halves = [_Part(part.request, part.start, middle), _Part(part.request, middle, part.stop)]
            for half in halves:
                if half.start < half.stop:
                    self._encode([half])

    def _blame(self, parts: Sequence[_Part], error: Exception) -> None:
        """Find whose rows the encoder cannot take: the others go through without them."""
        if len(parts) > 1:
            for part in parts:
                self._encode([part])
            return
        request = parts[0].request
        with self._changed:
            self._waiting = [other for other in self._waiting if other is not request]
        if not request.future.done():
            request.future.set_exception(error)


def works(device: torch.device) -> bool:
    """Whether the device still computes: after a kernel that broke nothing does, until a new process."""
    try:
        return bool(torch.ones(1, device=device).item() == 1)
    except RuntimeError:
        return False


def claim_threads(number: int) -> None:
    """Let torch use so many threads for what the calling thread asks of it."""
    torch.get_num_threads()  # the first call sets the thread's number to the process's, over what was set before
    torch.set_num_threads(number)
