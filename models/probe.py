"""A short look into a file: is it audio, and what does it say of itself?

``python -m models.probe`` is a server of one line per question, for a web process that must not load decoders:
``{"path": "…"}`` in, one JSON object out, until standard input ends. It loads neither torch nor librosa.
"""

import json
import re
import resource
import signal
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from av.audio.stream import AudioStream
from av.container import InputContainer
from tinytag import TinyTag
from tinytag.tinytag import TinyTagException

from models.container import (
    audio_stream,
    channel_count,
    check_channels,
    check_rate,
    open_container,
    stream_facts,
)
from models.errors import AudioUnreadable
from models.frame_source import FrameSource

LISTEN_S = 1.0
"""A file is audio when so much of its beginning could be decoded, or all of it if it is shorter."""

MAX_PACKETS = 2_000
MAX_VALUE_CHARACTERS = 500
MAX_TAGS = 32
MEMORY_BYTES = 4 << 30
"""Address space of the server: a file that asks for more kills the server, which its client starts again."""

_YEAR = re.compile(r"\b(1[0-9]{3}|2[0-9]{3})\b")
_INVISIBLE = {"Cc", "Cs", "Co", "Cn"}
_BIDIRECTIONAL = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NAMES: Mapping[str, tuple[str, ...]] = {
    "title": ("title",),
    "artist": ("artist", "album_artist", "albumartist"),
    "album": ("album",),
    "licence": ("license", "licence", "copyright"),
    "genre": ("genre",),
    "year": ("year", "date", "creation_time"),
}


@dataclass(frozen=True, slots=True)
class EmbeddedTags:
    """What a file's tags say: single-line texts of at most MAX_VALUE_CHARACTERS, never trusted further.

    Attributes:
        licence: Of the licence tag, else the copyright notice.
        tags: The genres.
        extra: ``year`` as an integer, where the tags hold one.
    """

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    licence: str | None = None
    tags: tuple[str, ...] = ()
    extra: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """An audio file at a glance.

    Attributes:
        content_type: Media type of the bytes, whatever the file is called.
        codec: FFmpeg's name of the codec.
        sample_rate_hz: Of the file.
        channels: Of the file.
        duration_s: As the header says, without guarantee; ``None`` where it does not.
        metadata: The embedded tags.
    """

    content_type: str
    codec: str
    sample_rate_hz: int
    channels: int
    duration_s: float | None
    metadata: EmbeddedTags


def probe(file: BinaryIO) -> ProbeResult:
    """Decode the beginning of a file and read its tags.

    Raises:
        AudioUnreadable: It is not audio that can be decoded.
    """
    with open_container(file) as container:
        stream = audio_stream(container)
        facts = stream_facts(container, stream)
        _listen(container, stream)
        fallback = {**container.metadata, **stream.metadata}
    return ProbeResult(
        content_type=facts.content_type,
        codec=facts.codec,
        sample_rate_hz=facts.sample_rate_hz,
        channels=facts.channels,
        duration_s=facts.duration_s,
        metadata=embedded_tags(_read_tags(file), fallback),
    )


def embedded_tags(*sources: Mapping[str, str | Iterable[str]]) -> EmbeddedTags:
    """Tags out of raw fields, cleaned; the first source that holds a value wins."""
    fields = {wanted: _first(sources, names) for wanted, names in _NAMES.items()}
    genres = (genre for text in fields["genre"] for genre in re.split(r"[;,\x00]", text))
    years = [match[0] for text in fields["year"] if (match := _YEAR.search(text))]
    return EmbeddedTags(
        title=_joined(fields["title"]),
        artist=_joined(fields["artist"]),
        album=_joined(fields["album"]),
        licence=_joined(fields["licence"]),
        tags=tuple(dict.fromkeys(text for text in map(clean, genres) if text))[:MAX_TAGS],
        extra={"year": int(years[0])} if years else {},
    )


def clean(text: str) -> str:
    """One line without control characters or tricks of writing direction, of bounded length."""
    spaced = "".join(" " if character in "\r\n\t" else character for character in text[: 8 * MAX_VALUE_CHARACTERS])
    visible = "".join(
        character
        for character in spaced
        if unicodedata.category(character) not in _INVISIBLE and character not in _BIDIRECTIONAL
    )
    return " ".join(visible.split())[:MAX_VALUE_CHARACTERS].rstrip()


def serve(questions: TextIO, answers: TextIO) -> None:
    """Answer one line per line until the questions end."""
    for question in questions:
        answers.write(json.dumps(_answer(question)) + "\n")
        answers.flush()


def main() -> None:
    """Serve standard input within MEMORY_BYTES.

    Ctrl-C in a terminal reaches every process; this one ends with its input, so that no upload is refused for it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_BYTES if most == resource.RLIM_INFINITY else min(MEMORY_BYTES, most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, most))
    serve(sys.stdin, sys.stdout)


def _answer(question: str) -> dict[str, object]:
    try:
        path = Path(json.loads(question)["path"])
    except (ValueError, KeyError, TypeError):
        return {"ok": False, "reason": 'expected one line of JSON such as {"path": "/some/file"}'}
    try:
        with path.open("rb") as file:
            return {"ok": True, **asdict(probe(file))}
    except (AudioUnreadable, OSError, ValueError) as error:
        return {"ok": False, "reason": str(error).removesuffix(".")}
    except MemoryError:
        return {"ok": False, "reason": "The file asks for more memory than any recording needs"}


def _listen(container: InputContainer, stream: AudioStream) -> None:
    heard_s = 0.0
    source = FrameSource(container, stream, MAX_PACKETS)
    for frame in source.frames():
        check_rate(frame.sample_rate)
        check_channels(channel_count(frame))
        heard_s += frame.samples / frame.sample_rate
        if heard_s >= LISTEN_S:
            break
    source.check()
    if not heard_s:
        raise AudioUnreadable("The file holds no sound: not one sample could be decoded.")


def _read_tags(file: BinaryIO) -> dict[str, str | list[str]]:
    """Fields as tinytag reads them, which keeps several values apart; nothing where it cannot read the file."""
    file.seek(0)
    try:
        found = TinyTag.get(file_obj=file, duration=False).as_dict()
    except TinyTagException:
        return {}
    return {name: value for name, value in found.items() if isinstance(value, (str, list))}


def _first(sources: Iterable[Mapping[str, str | Iterable[str]]], names: Iterable[str]) -> list[str]:
    for source in sources:
        by_name = {name.lower(): value for name, value in source.items()}
        for name in names:
            value = by_name.get(name)
            texts = [value] if isinstance(value, str) else list(value or ())
            if any(clean(text) for text in texts):
                return texts
    return []


def _joined(texts: Iterable[str]) -> str | None:
    return "; ".join(filter(None, map(clean, texts)))[:MAX_VALUE_CHARACTERS] or None


if __name__ == "__main__":
    main()
