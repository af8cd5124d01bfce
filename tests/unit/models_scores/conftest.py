import io
from collections.abc import Callable, Sequence

import mido
import pytest

QUARTER = 480


@pytest.fixture(scope="session")
def midi_file() -> Callable[..., io.BytesIO]:
    """MIDI files by tracks of messages at absolute quarters."""

    def make(*tracks: Sequence[tuple[float, object]], kind: int = 1) -> io.BytesIO:
        midi = mido.MidiFile(type=kind, ticks_per_beat=QUARTER)
        for timed in tracks:
            track = mido.MidiTrack()
            tick = 0
            for quarters, message in sorted(timed, key=lambda entry: entry[0]):
                track.append(message.copy(time=round(quarters * QUARTER) - tick))
                tick = round(quarters * QUARTER)
            midi.tracks.append(track)
        written = io.BytesIO()
        midi.save(file=written)
        written.seek(0)
        return written

    return make


@pytest.fixture(scope="session")
def played() -> Callable[..., list[tuple[float, object]]]:
    """Messages of notes (start, duration, pitch), in quarters."""

    def play(notes: Sequence[tuple[float, float, int]], channel: int = 0, velocity: int = 80):
        messages = []
        for start, duration, pitch in notes:
            on = mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)
            off = mido.Message("note_off", channel=channel, note=pitch)
            messages += [(start, on), (start + duration - 1e-3, off)]
        return messages

    return play


@pytest.fixture(scope="session")
def scale() -> Callable[[int, int], list[tuple[float, float, int]]]:
    """So many quarters one after another, the last one of a pitch."""

    def make(quarters: int, last: int = 60):
        return [(start, 1.0, 64 + start % 5) for start in range(quarters - 1)] + [(quarters - 1, 1.0, last)]

    return make
