"""MusicXML, and whatever else music21 reads, to MIDI."""

import warnings
from pathlib import Path

from models.errors import ScoreUnreadable, ToolMissing


def musicxml_to_midi(file: Path) -> bytes:
    """Standard MIDI File of a score, by music21, with repeats played out.

    Raises:
        ScoreUnreadable: music21 cannot read it or follow its repeats.
        ToolMissing: music21 is not installed.
    """
    try:
        from music21 import converter, midi  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing("music21 reads MusicXML: pip install 'soundkin[corpus]'") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on details of notation
            content: bytes = midi.translate.streamToMidiFile(converter.parse(file, forceSource=True)).writestr()
    except Exception as error:  # parsers of untrusted files end in whatever they trip over
        raise ScoreUnreadable(f"music21: {str(error) or type(error).__name__}") from error
    return content
