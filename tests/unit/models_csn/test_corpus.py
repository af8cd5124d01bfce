"""Labels as numbers: which are used, which are known, and which are left out."""

from dataclasses import fields

import numpy as np
import pytest

from models.csn.training.corpus import NO_KEY, vocabulary_of
from models.datasets.keys import PITCH_NAMES
from models.errors import TrainingImpossible


def with_tags(number, **tags):
    return {"id": str(number), "tags": {dimension: frozenset(found) for dimension, found in tags.items()}}


@pytest.fixture
def several(make):
    """Makes tracks of one domain out of what differs between them."""

    def several(*changes, domain="made up"):
        return make.corpus_tracks([make.track(n, **change) for n, change in enumerate(changes)], domain)

    return several


def test_a_tag_of_too_few_tracks_is_not_learnt(make, several):
    tracks = several(*(with_tags(n, genre=["jazz"] + ["polka"] * (n < 4) + ["rock"] * (n < 5)) for n in range(9)))
    config = make.config(min_tracks_per_tag=5, network={"spaces": ["genre"]})
    assert vocabulary_of(tracks, config) == {"genre": ("jazz", "rock")}


def test_only_the_networks_dimensions_have_a_vocabulary(make):
    tracks = make.corpus_tracks([make.track(n) for n in range(20)])
    config = make.config(network={"spaces": ["mood", "key"]})
    assert vocabulary_of(tracks, config) == {"mood": ("calm", "dark")}


@pytest.mark.parametrize(
    ("space", "changes"),
    [
        ("genre", {"tags": {"genre": frozenset(["jazz"])}}),
        ("mood", {"tags": {}}),
        ("tempo", {"tempo_bpm": None}),
        ("key", {"key": None}),
    ],
)
def test_a_dimension_of_which_nothing_is_known_is_named(make, space, changes):
    tracks = make.corpus_tracks([make.track(n, **changes) for n in range(20)])
    config = make.config(network={"spaces": [space]})
    with pytest.raises(TrainingImpossible, match=rf"says nothing of {space}: 20 tracks .* network.spaces"):
        vocabulary_of(tracks, config)


def test_estimates_that_are_not_sure_are_left_out(make, several):
    sure = [{"tempo_confidence": text, "key_confidence": text} for text in ("0.29", "0.3", "1", "nan")]
    tracks = several(*({"attributes": attributes} for attributes in (*sure, {})))
    corpus = make.corpus(tracks, make.config(domains={"made up": {"min_confidence": 0.3}}), {})
    assert np.isfinite(corpus.tempi_bpm).tolist() == [False, True, True, False, True]
    assert (corpus.tonics != NO_KEY).tolist() == [False, True, True, False, True]


def test_each_confidence_speaks_of_its_own_dimension(make, several):
    tracks = several({"attributes": {"tempo_confidence": "0", "key_confidence": "1"}})
    corpus = make.corpus(tracks, make.config(domains={"made up": {"min_confidence": 0.5}}), {})
    assert np.isnan(corpus.tempi_bpm).all()
    assert corpus.tonics[0] != NO_KEY


def test_a_confidence_that_is_no_number_is_named_with_its_track(make, several):
    tracks = several({"id": "song.wav", "attributes": {"key_confidence": "high"}})
    with pytest.raises(TrainingImpossible, match=r"song\.wav: key_confidence 'high' is not a number"):
        make.corpus(tracks, make.config(), {})


@pytest.mark.parametrize("ignored", ["genre", "tempo", "key"])
def test_what_a_domain_shall_ignore_is_not_known_there_and_is_elsewhere(make, ignored):
    tracks = [make.track(n) for n in range(20)]
    both = make.corpus_tracks(tracks[:10], "a") + make.corpus_tracks(tracks[10:], "b")
    config = make.config(domains={"a": {"ignore": [ignored]}})
    corpus = make.corpus(both, config)
    known = {
        "genre": corpus.known["genre"].any(1),
        "tempo": np.isfinite(corpus.tempi_bpm),
        "key": corpus.tonics != NO_KEY,
    }
    for dimension, found in known.items():
        assert found[:10].tolist() == [dimension != ignored] * 10
        assert found[10:].all()


def test_a_tag_is_known_of_tracks_with_any_tag_where_the_domain_has_it(make):
    one = [
        make.track(0, **with_tags("jazz", genre=["jazz"])),
        make.track(1, **with_tags("rock", genre=["rock"])),
        make.track(2, **with_tags("untagged", mood=["calm"])),
        make.track(3, **with_tags("outside", genre=["polka"])),
    ]
    other = [make.track(4, **with_tags("only jazz", genre=["jazz"]))]
    tracks = make.corpus_tracks(one, "one") + make.corpus_tracks(other, "other")
    corpus = make.corpus(tracks, make.config(), {"genre": ("jazz", "rock")})
    assert corpus.tags["genre"].tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [1, 0]]
    assert corpus.known["genre"].tolist() == [[1, 1], [1, 1], [0, 0], [0, 0], [1, 0]]


def test_keys_are_counted_by_their_tonic(make, several):
    corpus = make.corpus(several(*({"id": key, "key": key} for key in make.keys)), make.config(), {})
    assert corpus.tonics.tolist() == [*range(len(PITCH_NAMES))] * 2


def test_an_origin_is_one_within_its_domain_alone(make, several):
    changes = [{"source": "a"}, {"source": "b"}, {"source": "a"}, {"source": "", "album": "a"}]
    both = several(*changes, domain="one") + several(*changes, domain="two")
    origins = make.corpus(both, make.config(), {}).origins
    assert origins.tolist() == [0, 1, 0, 0, 2, 3, 2, 2]


def test_origins_and_artists_are_styles_where_the_domain_says_so_and_they_have_enough_tracks(make, several):
    changes = [
        {"source": "many", "artist": ""},
        {"source": "few", "artist": "busy"},
        {"source": "many", "artist": "busy"},
    ]
    both = several(*changes, domain="albums") + several(*changes, domain="scores")
    config = make.config(min_tracks_per_origin=2, domains={"albums": {"origins": True}})
    styles = make.corpus(both, config, {}).styles
    assert styles["origin"].tolist() == [[True], [False], [True], [False], [False], [False]]
    assert styles["artist"].tolist() == [[False], [True], [True], [False], [False], [False]]


def test_some_tracks_keep_all_that_is_known_of_them(make):
    tracks = make.corpus_tracks([make.track(n) for n in range(12)])
    corpus = make.corpus(tracks, make.config())
    rows = np.array([7, 2, 2])
    taken, expected = (
        corpus.take(rows),
        make.corpus([tracks[row] for row in rows], make.config(), corpus.vocabulary),
    )
    assert taken.entries == tuple(f"{row}.wav" for row in rows)
    assert len(taken) == 3
    for field in fields(taken):
        found = getattr(taken, field.name)
        if isinstance(found, np.ndarray) and field.name != "origins":
            np.testing.assert_array_equal(found, getattr(expected, field.name))
    assert taken.origins.tolist() == corpus.origins[rows].tolist()
    for dimension in taken.tags:
        np.testing.assert_array_equal(taken.tags[dimension], corpus.tags[dimension][rows])
        np.testing.assert_array_equal(taken.known[dimension], corpus.known[dimension][rows])
