import pickle

import pytest

from models.errors import DatasetInvalid
from models.rendering.collection import drawn_pieces
from models.rendering.score_folder import ScoreFolder


@pytest.fixture
def folder(tmp_path, midi_file, played, scale):
    for path in ("b.MID", "works/a.mid", "works/c.midi"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(midi_file(played(scale(16))).getvalue())
    (tmp_path / "notes.txt").write_text("no score")
    return tmp_path


def index(folder, *rows: str, columns: str = "path,title,composer,genre,era,year,licence,key,origin") -> None:
    (folder / "index.csv").write_text("\n".join((columns, *rows)) + "\n")


def test_all_midi_files_are_pieces_in_a_fixed_order(folder):
    assert ScoreFolder("mine", folder).pieces() == ["b.MID", "works/a.mid", "works/c.midi"]


def test_without_an_index_nothing_is_known_but_the_folder(folder):
    score = ScoreFolder("mine", folder).load("works/a.mid")
    assert (score.piece, score.origin, score.collection) == ("mine/works/a.mid", "mine/works", "mine")
    assert (score.composer, score.genre, score.era, score.tonic) == ("", frozenset(), "", None)


def test_the_index_says_what_is_known(folder):
    index(folder, "works/a.mid,Song,Schubert,Art Song; romantic,,1815,CC0,F# minor,")
    score = ScoreFolder("mine", folder).load("works/a.mid")
    assert (score.title, score.composer, score.licence) == ("Song", "Schubert", "CC0")
    assert (score.genre, score.era) == ({"art song", "romantic"}, "1800-1849")
    assert (score.tonic, score.mode, score.origin) == (6, "minor", "schubert")


def test_a_stated_origin_and_era_count_more_than_composer_and_year(folder):
    index(folder, "b.MID,,Schubert,,1800-1849,1799,,,winter journey")
    score = ScoreFolder("mine", folder).load("b.MID")
    assert (score.origin, score.era) == ("winter journey", "1800-1849")


def test_every_fault_of_an_index_is_named(folder):
    index(folder, ",,,,,,,,", "a.mid,,,,,81,,,", "b.mid,,,,1760-1799,,,,", "c.mid,,,,,,,H minor,", "d.mid,,,,,,,,")
    with pytest.raises(DatasetInvalid) as caught:
        ScoreFolder("mine", folder).load("b.MID")
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "row 2 has no path",
        "row 3",
        "row 4",
        "row 5",
    ]


def test_a_source_can_be_pickled(folder):
    source = pickle.loads(pickle.dumps(ScoreFolder("mine", folder)))
    assert source.load("b.MID") == ScoreFolder("mine", folder).load("b.MID")


def test_pieces_are_drawn_from_all_sources_by_turns_as_the_seed_says(folder):
    sources = [ScoreFolder("first", folder), ScoreFolder("second", folder)]
    drawn = [(source.name, piece) for source, piece in drawn_pieces(sources, seed=1)]
    assert [name for name, _ in drawn] == ["first", "second"] * 3
    assert len(set(drawn)) == 6
    assert drawn == [(source.name, piece) for source, piece in drawn_pieces(sources, seed=1)]
    assert any(drawn != [(s.name, p) for s, p in drawn_pieces(sources, seed=seed)] for seed in range(2, 8))
