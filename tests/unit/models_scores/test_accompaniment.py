import io
import os
from pathlib import Path

import mido
import pytest

from models.errors import ScoreUnreadable, ToolMissing
from models.rendering.accompaniment import Accompaniments, Groove, accompany, in_quarters, list_grooves
from models.rendering.midi_score import PieceFacts, read_midi
from models.rendering.progression import Progression
from models.rendering.styles import groove_genres
from models.rendering.tools import MMA

TOOLS = Path(os.environ.get("SOUNDKIN_TEST_MMA", "tools"))
needs_mma = pytest.mark.skipif(not MMA.place(TOOLS).is_file(), reason="SOUNDKIN_TEST_MMA names no folder of tools")

LIBRARY = "mma/usr/share/mma/lib"
PROGRESSION = Progression("minor", (("i",), ("iv",), ("V", "V7"), ("i",)), sevenths=False)


@pytest.fixture
def tools(tmp_path):
    """A library of grooves without a program that could play them."""
    MMA.place(tmp_path).parent.mkdir(parents=True)
    MMA.place(tmp_path).write_text("raise SystemExit('Error: no music today')")
    for path, text in {
        "stdlib/swing.mma": "Time 4\nDefGroove Swing   Plain.\nDefGroove SwingSus\n"
        "DefGroove SwingIntro\nDefGroove swing\n",
        "stdlib/waltz.mma": "Time 3\nDefGroove Waltz\nTime 5\nDefGroove Waltz5\nDefGroove WaltzEnd\n",
        "stdlib/metronome.mma": "Time 4\nDefGroove Metronome4\n",
        "zoom/rock.mma": "Time 4\nDefGroove ROCK01\n",
    }.items():
        file = tmp_path / LIBRARY / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_grooves_are_the_main_parts_of_styles_in_bars_of_two_to_four(tools):
    assert list_grooves(tools) == (
        Groove("stdlib/swing", "Swing", 4),
        Groove("stdlib/swing", "SwingSus", 4),
        Groove("stdlib/waltz", "Waltz", 3),
    )


def test_every_groove_file_has_as_many_takes_and_its_grooves_take_turns(tools):
    sources = Accompaniments(takes=3).sources(tools)
    assert sources == [f"stdlib/swing/{name}" for name in ("1-Swing", "2-SwingSus", "3-Swing")] + [
        f"stdlib/waltz/{take}-Waltz" for take in (1, 2, 3)
    ]


def test_no_progression_comes_twice_and_the_groove_file_is_the_origin(tools):
    accompaniments = Accompaniments(takes=20, seed=1)
    facts = [accompaniments.facts(tools, source) for source in accompaniments.sources(tools)]
    assert len({fact.title.partition(": ")[2].removesuffix(" in sevenths") for fact in facts}) == 40
    assert {(fact.origin, fact.genre) for fact in facts} == {("stdlib/swing", "swing"), ("stdlib/waltz", "waltz")}
    assert {fact.key for fact in facts} == {"C major", "C minor"}


@pytest.mark.parametrize(
    ("name", "genres"),
    [
        ("jazzwaltz", {"jazz", "waltz"}),
        ("16beatballad1", {"ballad"}),
        ("16beat1", {"pop"}),
        ("r+b", {"soul"}),
        ("Son", {"latin"}),
        ("kwestballad", {"country", "ballad"}),
        ("metronome68", set()),
        ("arpeggio44", set()),
    ],
)
def test_genres_are_told_by_the_names_of_groove_files(name, genres):
    assert groove_genres(name) == genres


def test_what_mma_refuses_is_refused_with_its_words(tools):
    with pytest.raises(ScoreUnreadable, match="MMA"):
        accompany(tools, list_grooves(tools)[0], PROGRESSION, seed=0)


def test_without_mma_the_message_says_how_to_get_it(tmp_path):
    with pytest.raises(ToolMissing, match="corpus tools"):
        Accompaniments().sources(tmp_path)


def test_compound_metres_of_mma_become_quarters(midi_file, played, scale):
    signature = mido.MetaMessage("time_signature", numerator=6, denominator=8)
    midi = in_quarters(midi_file([(0, signature)], played(scale(16))).getvalue(), beats_per_bar=2)
    score = read_midi(io.BytesIO(midi), PieceFacts("piece", "origin", "mma"))
    assert (score.beats_per_bar, round(score.length_beats)) == (2, 16)


def test_drums_alone_are_no_accompaniment(midi_file, played, scale):
    with pytest.raises(ScoreUnreadable, match="only drums"):
        in_quarters(midi_file(played(scale(16), channel=9)).getvalue(), beats_per_bar=4)


@needs_mma
@pytest.mark.parametrize(("file", "name", "beats"), [("stdlib/swing", "Swing", 4), ("stdlib/waltz", "Waltz", 3)])
def test_mma_plays_the_progression_in_c_for_half_a_minute(file, name, beats):
    midi = accompany(TOOLS, Groove(file, name, beats), PROGRESSION, seed=1)
    score = read_midi(io.BytesIO(midi), PieceFacts("piece", "origin", "mma"))
    assert score.beats_per_bar == beats
    assert 128 - beats <= score.length_beats <= 128 + 5 * beats
    first_bar = {
        note.pitch % 12 for part in score.parts if not part.drums for note in part.notes if note.start_beats < 1
    }
    assert 0 in first_bar
    assert first_bar <= {0, 2, 3, 5, 7, 8, 10}
    assert midi == accompany(TOOLS, Groove(file, name, beats), PROGRESSION, seed=1)


@needs_mma
def test_the_library_has_more_than_ten_families_in_150_files():
    files = {groove.file for groove in list_grooves(TOOLS)}
    assert len(files) >= 150
    assert len(set().union(*(groove_genres(Path(file).name) for file in files))) >= 10
