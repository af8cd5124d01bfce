"""Sound from a performance, by a SoundFont and tinysoundfont (MIT), in this process."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ToolMissing
from models.rendering.ensemble import DRUM_BANK, all_programs
from models.rendering.performance import PREROLL_S, Performance

Samples = NDArray[np.float32]

RATE_HZ = 44_100
MAX_VOICES = 256
DRUM_CHANNEL = 9
FLUSH_S = 0.25
PAN_CONTROLLER = 10
MIDDLE = 64

_Event = tuple[int, bool, int, int, int]
"""Sample, whether a note begins, channel, pitch, velocity: ends sort before beginnings."""


class Synthesiser:
    """A SoundFont that was loaded once and plays one performance after another.

    The same performance gives the same samples, whatever was played before.
    """

    def __init__(self, font: Path) -> None:
        """Load a SoundFont.

        Raises:
            ToolMissing: It is not there, cannot be read or lacks instruments of General MIDI; or tinysoundfont is
                not installed.
        """
        self._synth, self._font = _loaded(font)
        absent = [program for program in all_programs() if not self._has(0, program)]
        if absent or not self._has(DRUM_BANK, 0):
            lacks = f"the programs {absent}" if absent else "the drum kit"
            raise ToolMissing(f"{font} is no General MIDI SoundFont: it lacks {lacks}. Take another one.")

    def play(self, performance: Performance) -> Samples:
        """(2, T) samples of the excerpt at RATE_HZ, of any level; it begins with tails of what came before."""
        channels = _channels(performance)
        self._prepare(channels)
        before = round(PREROLL_S * RATE_HZ)
        total = before + round(performance.duration_s * RATE_HZ)
        blocks, now = [], 0
        for sample, events in groupby(_events(performance, channels, total), key=lambda event: event[0]):
            blocks.append(self._generated(sample - now))
            now = sample
            for event in events:
                self._send(event)
        blocks.append(self._generated(total - now))
        return np.concatenate(blocks).T[:, before:]

    def _has(self, bank: int, program: int) -> bool:
        return self._synth.sfpreset_name(self._font, bank, program) is not None

    def _prepare(self, channels: dict[int | None, int]) -> None:
        """Silence what still sounds, and give each channel its instrument and its place between left and right."""
        self._synth.sounds_off()
        self._generated(round(FLUSH_S * RATE_HZ))
        for program, channel in channels.items():
            drums = program is None
            self._synth.program_select(channel, self._font, DRUM_BANK if drums else 0, program or 0, drums)
            self._synth.control_change(channel, PAN_CONTROLLER, MIDDLE if drums else _place(channel))

    def _generated(self, samples: int) -> Samples:
        if samples == 0:
            return np.zeros((0, 2), np.float32)
        return np.frombuffer(self._synth.generate_simple(samples), np.float32).reshape(-1, 2)

    def _send(self, event: _Event) -> None:
        _, begins, channel, pitch, velocity = event
        if begins:
            self._synth.noteon(channel, pitch, velocity)
        else:
            self._synth.noteoff(channel, pitch)


def _loaded(font: Path) -> tuple[Any, int]:
    try:
        import tinysoundfont  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing(
            "Rendering needs tinysoundfont: pip install --no-deps tinysoundfont (its pyaudio is not needed)."
        ) from error
    if not font.is_file():
        raise ToolMissing(f"There is no SoundFont {font}.")
    synth = tinysoundfont.Synth(samplerate=RATE_HZ)
    try:
        return synth, synth.sfload(str(font), max_voices=MAX_VOICES)
    except RuntimeError as error:
        raise ToolMissing(
            f"{font} is not a SoundFont that can be read: it is damaged or of another kind."
        ) from error


def _channels(performance: Performance) -> dict[int | None, int]:
    """A MIDI channel for each program, in their order; drums have theirs."""
    programs = sorted({note.program for note in performance.notes if note.program is not None})
    return {**{program: channel for channel, program in enumerate(programs)}, None: DRUM_CHANNEL}


def _place(channel: int) -> int:
    """Instruments by turns left and right of the middle, ever farther."""
    return MIDDLE + (12 + 8 * (channel // 2)) * (1 if channel % 2 else -1)


def _events(performance: Performance, channels: dict[int | None, int], total: int) -> Iterator[_Event]:
    """What happens, in its order, until sample ``total``."""
    events: list[_Event] = []
    for note in performance.notes:
        start = round((note.start_s + PREROLL_S) * RATE_HZ)
        end = max(start + 1, round((note.start_s + note.duration_s + PREROLL_S) * RATE_HZ))
        channel = channels[note.program]
        events += [(start, True, channel, note.pitch, note.velocity), (end, False, channel, note.pitch, 0)]
    return (event for event in sorted(events) if event[0] < total)
