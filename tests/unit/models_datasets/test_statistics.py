from pathlib import Path

import numpy as np
import pytest
from scipy.stats.contingency import association

from models.datasets.association import associations, cramers_v, tempo_bin
from models.datasets.statistics import describe, duration_s
from models.datasets.track import Dataset, LabelledTrack


def dataset(*tracks, left_out=()):
    return Dataset("x", tuple(LabelledTrack(str(n), Path(), **facts) for n, facts in enumerate(tracks)), left_out)


def test_a_dataset_is_counted():
    facts = describe(
        dataset(
            {
                "split": "train",
                "artist": "Ann",
                "source": "s",
                "tags": {"genre": frozenset({"rock", "pop"})},
                "key": "A minor",
            },
            {
                "split": "test",
                "artist": "Ann",
                "licence": "CC0",
                "tags": {"genre": frozenset({"rock"})},
                "tempo_bpm": 139.0,
            },
            {
                "duplicates": frozenset({"0"}),
                "attributes": {"duration_s": "1800"},
                "free_tags": frozenset({"live"}),
            },
            left_out=("gone",),
        )
    )
    assert (facts.tracks, facts.left_out, facts.hours, facts.timed) == (3, 1, 0.5, 1)
    assert facts.splits == {"train": 1, "test": 1, "": 1}
    assert (facts.origins, facts.artists, facts.albums, facts.duplicates) == (3, 1, 0, 1)
    assert facts.licences == {"CC0": 1}
    assert (facts.labels["genre"].tracks, facts.labels["genre"].counts) == (2, {"rock": 2, "pop": 1})
    assert facts.labels["tempo"].counts == {"120–139 BPM": 1}
    assert facts.labels["key"].counts == {"A minor": 1}
    assert facts.labels["tags"].counts == {"live": 1}
    assert facts.labels["mood"].tracks == 0


def test_a_duration_comes_from_the_header_where_it_is_not_listed(tmp_path, wav):
    assert duration_s(LabelledTrack("a", wav(tmp_path / "a.wav"))) == pytest.approx(0.01)
    (tmp_path / "b.wav").write_bytes(b"no audio")
    assert duration_s(LabelledTrack("b", tmp_path / "b.wav")) is None


def test_what_gives_away_the_other_has_association_one():
    codes = np.arange(300) % 3
    assert cramers_v(codes, (codes + 1) % 3) == pytest.approx(1)


def test_independent_properties_have_none():
    generator = np.random.default_rng(0)
    drawn = [cramers_v(generator.integers(0, 4, 500), generator.integers(0, 6, 500)) for _ in range(200)]
    assert np.mean(drawn) < 0.04
    assert np.median(drawn) < 0.03


def test_the_correction_vanishes_with_many_tracks():
    generator = np.random.default_rng(1)
    rows = generator.integers(0, 3, 50_000)
    columns = np.where(generator.random(50_000) < 0.4, rows, generator.integers(0, 3, 50_000))
    table = np.zeros((3, 3), int)
    np.add.at(table, (rows, columns), 1)
    assert cramers_v(rows, columns) == pytest.approx(association(table, method="cramer"), abs=1e-3)


def test_an_instrument_that_a_genre_gives_away_stands_first_and_above_chance():
    generator = np.random.default_rng(2)
    names = ("jazz", "rock", "folk")
    tracks = [
        {
            "tags": {
                "genre": frozenset({names[genre]}),
                "instrument": frozenset({("sax", "guitar", "fiddle")[genre]}),
            },
            "tempo_bpm": float(generator.uniform(60, 200)),
            "key": f"{generator.choice(['C', 'D', 'E'])} {generator.choice(['major', 'minor'])}",
            "attributes": {"soundfont": str(generator.integers(2)), "other": "x"},
        }
        for genre in generator.integers(0, 3, 200)
    ]
    found = associations(dataset(*tracks), seed=0, permutations=50)
    assert (found[0].one, found[0].other, found[0].tracks) == ("genre", "instrument", 200)
    assert found[0].strength == pytest.approx(1)
    assert found[0].chance < found[0].chance_high < 0.3
    assert {name for pair in found for name in (pair.one, pair.other)} == {
        "genre",
        "instrument",
        "tempo",
        "tonic",
        "mode",
        "soundfont",
    }
    assert np.mean([pair.strength > pair.chance_high for pair in found[1:]]) < 0.3
    assert found == associations(dataset(*tracks), seed=0, permutations=50)


def test_any_column_can_be_asked_for_and_tracks_without_it_do_not_count():
    tracks = [{"album": str(n % 2), "attributes": {"room": str(n % 2)}} for n in range(40)] + [{"album": "0"}]
    (pair,) = associations(dataset(*tracks), seed=0, attributes=("album", "room", "nothing"), permutations=10)
    assert (pair.one, pair.other, pair.tracks) == ("album", "room", 40)


def test_a_tempo_and_its_double_are_in_one_bin():
    def place(tempo_bpm):
        return tempo_bin(LabelledTrack("a", Path(), tempo_bpm=tempo_bpm))

    assert place(50.0) == place(100.0) == place(200.0)
    assert place(60.0) == place(120.0) == "0"
    assert len({place(60.0 * 2 ** (n / 12 + 0.01)) for n in range(12)}) == 6
    assert not place(None)
