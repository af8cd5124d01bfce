import io
from importlib.util import find_spec

import pytest

from models.errors import ScoreUnreadable
from models.rendering.midi_score import PieceFacts, read_midi
from models.rendering.notations import MusicXML

needs_music21 = pytest.mark.skipif(find_spec("music21") is None, reason="music21 is not installed")

NOTE = "<note><pitch><step>{}</step><octave>4</octave></pitch><duration>{}</duration><type>{}</type></note>"
MEASURE = "<measure number='{}'>{}</measure>"
ATTRIBUTES = (
    "<attributes><divisions>1</divisions><key><fifths>1</fifths></key>"
    "<time><beats>3</beats><beat-type>4</beat-type></time></attributes>"
)


def song() -> str:
    bar = "".join(NOTE.format(step, 1, "quarter") for step in "GBD")
    bars = [ATTRIBUTES + bar, *[bar] * 7, NOTE.format("E", 3, "half")]
    measures = "".join(MEASURE.format(number, content) for number, content in enumerate(bars, start=1))
    parts = "<part-list><score-part id='P1'><part-name>Voice</part-name></score-part></part-list>"
    return f"<score-partwise version='3.1'>{parts}<part id='P1'>{measures}</part></score-partwise>"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "scores/Hensel,_Fanny/6_Lieder,_Op.1/2_Wanderlied"
    place.mkdir(parents=True)
    (place / "1.musicxml").write_text(song())
    (tmp_path / "data").mkdir()
    (tmp_path / "data/composers.tsv").write_text("path\tborn\tdied\nHensel,_Fanny\t1805\t1847\n")
    return tmp_path


def test_folders_and_the_table_of_composers_state_facts(folder):
    notation = MusicXML("art song", "CC0")
    (source,) = notation.sources(folder)
    facts = notation.facts(folder, source)
    assert (facts.title, facts.composer, facts.era) == ("2 Wanderlied", "Hensel, Fanny", "1800-1849")
    assert (facts.genre, facts.licence) == ("art song", "CC0")


def test_without_a_table_of_composers_there_is_no_era(folder):
    (folder / "data/composers.tsv").unlink()
    (source,) = MusicXML().sources(folder)
    assert MusicXML().facts(folder, source).era == ""


@needs_music21
def test_a_score_becomes_midi_in_its_key_and_metre(folder):
    (source,) = MusicXML().sources(folder)
    (midi,) = MusicXML().convert(folder, source)
    score = read_midi(io.BytesIO(midi), PieceFacts("song", "hensel", "lieder"))
    assert (score.beats_per_bar, score.tonic, score.mode) == (3, 4, "minor")
    assert [note.pitch for note in score.parts[0].notes[:3]] == [67, 71, 62]


@needs_music21
def test_what_music21_cannot_read_is_refused(folder):
    (folder / "broken.xml").write_text("<score-partwise><part>")
    with pytest.raises(ScoreUnreadable, match="music21"):
        MusicXML().convert(folder, "broken.xml")
