"""What clusters are called."""

import pytest

from models.catalogue_map.names import Described, cluster_names


def tracks(*groups):
    """Clusters and tracks of (count, description) by group."""
    clusters = [number for number, group in enumerate(groups) for count, _ in group for _ in range(count)]
    return clusters, [each for group in groups for count, each in group for _ in range(count)]


def tagged(*tags):
    return Described(tags)


def names(*groups):
    return list(cluster_names(*tracks(*groups)))


def test_names_say_the_planted_tags():
    found = names(
        [(40, tagged("music", "piano", "calm")), (10, tagged("music", "piano"))],
        [(50, tagged("music", "drums", "fast"))],
        [(30, tagged("music", "voice"))],
    )
    assert found == ["piano · calm", "drums · fast", "voice"]


def test_a_rare_tag_does_not_beat_a_common_one():
    found = names(
        [(38, tagged("piano")), (2, tagged("piano", "harpsichord"))],
        [(40, tagged("drums"))],
    )
    assert found == ["piano", "drums"]


def test_a_tag_is_counted_once_however_it_is_written():
    found = names(
        [(12, tagged("Hip Hop")), (8, tagged("hip hop", "HIP HOP"))],
        [(20, tagged("Jazz"))],
    )
    assert found == ["Hip Hop", "Jazz"]


def test_no_name_is_given_twice():
    groups = [[(20, tagged("piano", "calm"))], [(20, tagged("piano", "calm"))], [(200, tagged("drums"))]]
    found = names(*groups)
    assert found == ["calm · piano", "calm · piano (2)", "drums"]
    assert len({*names(*([(20, Described())] for _ in range(5)))}) == 5


def test_a_third_word_tells_two_apart():
    found = names(
        [(50, tagged("a", "b", "c"))],
        [(50, tagged("a", "b", "d"))],
        [(300, tagged("e"))],
    )
    assert len(set(found)) == 3
    assert found[2] == "e"


def test_without_tags_tempo_and_mode_are_said():
    found = names(
        [(20, Described(tempo_bpm=80.0, key="A minor"))],
        [(20, Described(tempo_bpm=121.0, key="C major"))],
        [(20, Described(tempo_bpm=168.0, key="G major"))],
    )
    assert found == ["about 80 bpm · mostly minor", "mostly major", "about 170 bpm · mostly major"]


def test_without_anything_clusters_are_numbered():
    assert names([(5, Described())], [(4, Described())]) == ["Cluster 1", "Cluster 2"]


@pytest.mark.parametrize("known", [Described(), tagged("piano")])
def test_a_single_cluster_is_all_there_is(known):
    assert names([(7, known)]) == ["All tracks"]


def test_long_tags_are_cut():
    [first, _] = names([(20, tagged("x" * 500))], [(20, tagged("y"))])
    assert first == "x" * 29 + "…"
