"""MIDI files as scores.

Beats are positions, so that tempo, pedals and controllers do not matter. A file is cut to its longest stretch of
one metre and one key signature.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path
from typing import IO, Any, TypeVar

from models.errors import ScoreUnreadable, ToolMissing
from models.rendering.score import Mode, Note, Part, Score

MIN_BEATS = 8.0
"""Shorter stretches have neither a metre nor a key worth the name."""

MIN_SOUNDING = 0.5
"""Least share of the time in which anything sounds: below it are the parts of an orchestra, mostly rests."""

_DRUM_CHANNEL = 9
_DEFAULT_METRE = (4, 4)
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "b": -1}

Metre = tuple[int, int]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class PieceFacts:
    """What is known of a piece apart from its notes; see ``Score``."""

    piece: str
    origin: str
    collection: str
    title: str = ""
    composer: str = ""
    licence: str = ""
    genre: frozenset[str] = frozenset()
    era: str = ""


@dataclass(frozen=True, slots=True)
class _Event:
    """A note of one channel in ticks."""

    start: int
    end: int
    pitch: int
    velocity: int


@dataclass(slots=True)
class _Player:
    """All that one channel of one track plays."""

    name: str
    channel: int
    program: int | None
    events: list[_Event]

    @property
    def drums(self) -> bool:
        return self.channel == _DRUM_CHANNEL


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Ticks from start to end of one metre and one key signature, as mido spells it (empty: none, or several)."""

    start: int
    end: int
    metre: Metre
    signature: str


def read_midi(file: Path | IO[bytes], facts: PieceFacts) -> Score:
    """Read a Standard MIDI File of type 0 or 1.

    Without a time signature it is in 4/4, as the format says. A key signature stands for a major key and for its
    relative minor, since many programs write the one for the other: the piece is in the one whose tonic is in the
    bass where the stretch ends, and in no known key if that is neither, or if minor is stated and the end is not.

    Raises:
        ScoreUnreadable: The file is damaged, has no notes, or no stretch of MIN_BEATS beats, or is mostly silent.
        ToolMissing: mido is not installed.
    """
    midi = _opened(file)
    players = [player for track in midi.tracks for player in _players(track)]
    if not players:
        raise ScoreUnreadable(f"{facts.piece} has no notes")
    end = max(event.end for player in players for event in player.events)
    stretch = max(_stretches(midi.tracks, end), key=lambda stretch: stretch.end - stretch.start)
    beat_ticks = float(beat_quarters(stretch.metre) * midi.ticks_per_beat)
    players = [cut for player in players if (cut := _cut(player, stretch)).events]
    beats = (stretch.end - stretch.start) / beat_ticks
    if beats < MIN_BEATS:
        raise ScoreUnreadable(f"{facts.piece}: at most {beats:g} beats in one metre and key, not {MIN_BEATS:g}")
    if (sounding := _sounding(players) / (stretch.end - stretch.start)) < MIN_SOUNDING:
        raise ScoreUnreadable(f"{facts.piece}: something sounds only {sounding:.0%} of the time")
    tonic, mode = _key(stretch.signature, _last_bass(players, beat_ticks))
    return Score(
        **{name: getattr(facts, name) for name in PieceFacts.__slots__},
        beats_per_bar=beats_per_bar(stretch.metre),
        tonic=tonic,
        mode=mode,
        parts=tuple(_part(player, beat_ticks) for player in players),
    )


def beat_quarters(metre: Metre) -> Fraction:
    """Quarters in a felt beat: three eighths in 6/8, 9/8 and 12/8, the half in 2/2, else the denominator's."""
    beats, denominator = metre
    return Fraction(3, 2) if denominator == 8 and beats in {6, 9, 12} else Fraction(4, denominator)  # noqa: PLR2004


def beats_per_bar(metre: Metre) -> int:
    """Felt beats in a bar."""
    beats, denominator = metre
    return int(Fraction(4 * beats, denominator) / beat_quarters(metre))


def _opened(file: Path | IO[bytes]) -> Any:  # noqa: ANN401 - mido has no types
    try:
        import mido  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing("mido reads MIDI: pip install 'soundkin[corpus]'") from error
    try:
        midi = mido.MidiFile(file, clip=True) if isinstance(file, Path) else mido.MidiFile(file=file, clip=True)
    except (OSError, EOFError, ValueError, LookupError, mido.KeySignatureError) as error:
        raise ScoreUnreadable(
            f"{file} is no MIDI file that can be read: {error or type(error).__name__}"
        ) from error
    if midi.type not in {0, 1} or midi.ticks_per_beat <= 0:
        raise ScoreUnreadable(f"{file} counts no beats (MIDI type {midi.type}, division {midi.ticks_per_beat})")
    return midi


def _timed(track: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    """Messages of a track with their ticks."""
    tick = 0
    for message in track:
        tick += message.time
        yield tick, message


def _players(track: Iterable[Any]) -> list[_Player]:
    """Those of a track who play anything, by channel."""
    name = ""
    programs: dict[int, int] = {}
    players: dict[int, _Player] = {}
    open_notes: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for tick, message in _timed(track):
        if message.type == "track_name":
            name = message.name.strip()
        elif message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type == "note_on" and message.velocity:
            open_notes[message.channel, message.note].append((tick, message.velocity))
            channel = message.channel
            players.setdefault(channel, _Player(name, channel, programs.get(channel), []))
        elif message.type in {"note_on", "note_off"} and open_notes[message.channel, message.note]:
            start, velocity = open_notes[message.channel, message.note].pop(0)
            if tick > start:
                players[message.channel].events.append(_Event(start, tick, message.note, velocity))
    return [replace(player, name=name) for _, player in sorted(players.items()) if player.events]


def _stretches(tracks: Iterable[Any], end: int) -> list[_Stretch]:
    """The piece in stretches, in order; never empty."""
    metres: dict[int, Metre] = {0: _DEFAULT_METRE}
    signatures: dict[int, set[str]] = defaultdict(set)
    for track in tracks:
        for tick, message in _timed(track):
            if message.type == "time_signature":
                metres[tick] = (message.numerator, message.denominator)
            elif message.type == "key_signature":
                signatures[tick].add(message.key)
    agreed = {0: "", **{tick: found.pop() if len(found) == 1 else "" for tick, found in signatures.items()}}
    ticks = sorted(tick for tick in metres.keys() | agreed.keys() if tick < end)
    holding = [(tick, _at(metres, tick), _at(agreed, tick)) for tick in ticks]
    starts = [next(group) for _, group in groupby(holding, key=lambda entry: entry[1:])]
    return [
        _Stretch(start, following[0], metre, signature)
        for (start, metre, signature), following in pairwise([*starts, (end, _DEFAULT_METRE, "")])
    ]


def _at(events: dict[int, Value], tick: int) -> Value:
    """What holds at a tick."""
    ticks = sorted(events)
    return events[ticks[bisect_right(ticks, tick) - 1]]


def _cut(player: _Player, stretch: _Stretch) -> _Player:
    """The notes that begin in a stretch, from its beginning and until its end."""
    events = [
        replace(event, start=event.start - stretch.start, end=min(event.end, stretch.end) - stretch.start)
        for event in player.events
        if stretch.start <= event.start < stretch.end
    ]
    return replace(player, events=events)


def _sounding(players: Sequence[_Player]) -> int:
    """Ticks at which anybody plays."""
    total, until = 0, 0
    for event in sorted((event for player in players for event in player.events), key=lambda event: event.start):
        total += max(0, event.end - max(event.start, until))
        until = max(until, event.end)
    return total


def _last_bass(players: Sequence[_Player], beat_ticks: float) -> int | None:
    """Pitch class of the lowest note among those that end last, within half a beat."""
    events = [event for player in players if not player.drums for event in player.events]
    end = max((event.end for event in events), default=0)
    last = [event.pitch for event in events if event.end > end - beat_ticks / 2]
    return min(last) % 12 if last else None


def _key(signature: str, bass: int | None) -> tuple[int | None, Mode | None]:
    """Tonic and mode; see ``read_midi``."""
    if not signature or bass is None:
        return None, None
    minor = signature.endswith("m")
    name = signature.removesuffix("m")
    tonic = (_LETTERS[name[0]] + _ACCIDENTALS[name[1:]]) % 12
    if bass == tonic:
        return tonic, "minor" if minor else "major"
    if not minor and bass == (tonic + 9) % 12:
        return bass, "minor"
    return None, None


def _part(player: _Player, beat_ticks: float) -> Part:
    notes = sorted(
        (
            Note(event.start / beat_ticks, (event.end - event.start) / beat_ticks, event.pitch, event.velocity)
            for event in player.events
        ),
        key=lambda note: (note.start_beats, note.pitch),
    )
    return Part(player.name, tuple(notes), None if player.drums else player.program, player.drums)
