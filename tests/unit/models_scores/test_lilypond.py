import io
from importlib.util import find_spec

import pytest

from models.errors import ScoreUnreadable
from models.rendering.lilypond import convert, list_sources, read_header
from models.rendering.midi_score import PieceFacts, read_midi
from models.rendering.notations import LilyPond

needs_lilypond = pytest.mark.skipif(find_spec("lilypond") is None, reason="LilyPond is not installed")

SOURCE = r"""
\version "2.18.2"
\header {
  title = "Air"
  mutopiacomposer = "MozartWA"
  composer = "W. A. Mozart"
  style = "Classical"
  date = "1788"
  copyright = "Public Domain"
}
music = \relative c' { \key d \minor \time 3/4 \repeat unfold 8 { d4 f a } d,2. }
\score { \new Staff \music \layout { } \midi { } }
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "air.ly").write_text(SOURCE)
    return tmp_path


def test_the_header_states_facts_as_mutopia_writes_them(folder):
    facts = LilyPond().facts(folder, "air.ly")
    assert (facts.title, facts.composer, facts.licence) == ("Air", "MozartWA", "Public Domain")
    assert (facts.genre, facts.era) == ("classical", "1750-1799")


def test_a_header_with_other_than_strings_states_nothing(folder):
    (folder / "air.ly").write_text(r"\header { title = \markup { Air } }")
    assert read_header(folder / "air.ly").title == ""


def test_sources_are_those_that_write_midi_once_for_all_papers(folder):
    for name in ("air-let.ly", "air-a4.ly", "suite-let.ly", "outlet.ly"):
        (folder / name).write_text(SOURCE)
    (folder / "notes.ly").write_text("music = { c4 }")
    assert [source.name for source in list_sources(folder)] == ["air-a4.ly", "air.ly", "outlet.ly", "suite-let.ly"]


@needs_lilypond
def test_a_source_becomes_midi_in_its_key_and_metre(folder):
    (midi,) = convert(folder, next(list_sources(folder)))
    score = read_midi(io.BytesIO(midi), PieceFacts("air", "mozart", "old"))
    assert (score.beats_per_bar, score.tonic, score.mode) == (3, 2, "minor")
    assert [note.pitch for note in score.parts[0].notes[:4]] == [62, 65, 69, 62]
    assert score.length_beats == pytest.approx(27, abs=0.1)


@needs_lilypond
@pytest.mark.parametrize("form", [r"{0} {0}", r"{0} \book {{ {0} }}", r"\book {{ \bookpart {{ {0} {0} }} }}"])
def test_every_score_is_a_file_wherever_it_stands(folder, form):
    score = r"\score { \new Staff { \repeat unfold 12 { c'4 } } \layout { } \midi { } }"
    (folder / "air.ly").write_text(r'\version "2.24.0" ' + form.format(score))
    assert len(LilyPond().convert(folder, "air.ly")) == 2


@needs_lilypond
def test_a_source_finds_what_it_includes_in_the_collection(folder):
    (folder / "parts").mkdir()
    (folder / "parts/violin.ly").write_text("violin = { \\repeat unfold 12 { c'4 } }")
    (folder / "air.ly").write_text('\\version "2.24.0" \\include "parts/violin.ly" \\score { \\violin \\midi { } }')
    assert len(LilyPond().convert(folder, "air.ly")) == 1


@needs_lilypond
def test_faults_of_the_music_are_refused_with_their_place(folder):
    (folder / "air.ly").write_text('\\version "2.24.0"\n\\score { { c4 q\\nonsense } \\midi { } }')
    with pytest.raises(ScoreUnreadable, match=r"^air.ly:2:\d+: error"):
        LilyPond().convert(folder, "air.ly")


@needs_lilypond
def test_a_source_without_music_is_refused(folder):
    (folder / "air.ly").write_text('\\version "2.24.0" % \\midi')
    with pytest.raises(ScoreUnreadable, match="wrote no MIDI"):
        LilyPond().convert(folder, "air.ly")


@pytest.mark.parametrize(
    "scheme",
    [
        '#(system "touch x")',
        '#(delete-file "x")',
        '#(open-output-file "x")',
        "#(use-modules (ice-9 popen))",
        "$(eval 'x y)",
    ],
)
def test_scheme_that_reaches_outside_is_not_run(folder, scheme):
    (folder / "part.ily").write_text(scheme)
    (folder / "air.ly").write_text(rf'\include "part.ily" {SOURCE}')
    with pytest.raises(ScoreUnreadable, match=r"part\.ily was not run"):
        LilyPond().convert(folder, "air.ly")
