"""Batches of lists: groups of similar tracks of one domain, and for each query what is similar and what is not."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import TrainingImpossible
from models.wavenet.training.config import ListSettings
from models.wavenet.training.likeness import ANNOTATIONS, ORIGIN
from models.wavenet.training.lists import ListSampler

SHARES = {ORIGIN: 0.0, ANNOTATIONS: 1.0}
SEEDS = st.integers(0, 2**32 - 1)
RESPECTS = st.sampled_from([ORIGIN, ANNOTATIONS])
TAGS = np.array(list("abcd"))


@pytest.fixture(scope="module")
def tracks(make):
    """Two domains with albums of one to seven tracks that have none to three tags, whatever the album."""
    generator, made = np.random.default_rng(5), []
    for domain in ("one", "two"):
        for album in range(1, 8):
            for _ in range(album):
                tags = frozenset(generator.choice(TAGS, generator.integers(4), replace=False).tolist())
                made.append(make.track(len(made), domain, source=f"album {album}", free_tags=tags))
    return [made[place] for place in generator.permutation(len(made))]


def similar(one, other, by):
    if by == ORIGIN:
        return one.track.source == other.track.source
    ours, theirs = one.track.free_tags, other.track.free_tags
    return len(ours & theirs) / len(ours | theirs) >= 0.5


def drawn(corpus, seed, by, **changes):
    sampler = ListSampler(corpus, ListSettings(by_annotations=SHARES[by], **changes))
    return sampler.draw(np.random.default_rng(seed))


def check_relevance(tracks, lists, by):
    """What is listed is similar where the labels say so, of one domain, and known."""
    heard = [tracks[number] for number in lists.tracks]
    assert len({track.domain for track in heard}) == 1
    assert by == ORIGIN or all(track.track.free_tags for track in heard)
    for query, listed, relevance in zip(lists.queries, lists.listed, lists.relevance, strict=True):
        assert relevance.tolist() == [similar(heard[query], heard[place], by) for place in listed]


@settings(deadline=None)
@given(SEEDS, RESPECTS)
def test_a_list_of_all_holds_every_other_crop_of_the_batch_with_its_relevance(tracks, seed, by):
    lists = drawn(tracks, seed, by, groups=4, tracks=3)
    size = len(lists.tracks)
    assert size == 12
    assert lists.queries.tolist() == list(range(size))
    for query, listed in enumerate(lists.listed.tolist()):
        assert sorted([query, *listed]) == list(range(size))
    check_relevance(tracks, lists, by)


@settings(deadline=None)
@given(SEEDS, RESPECTS, st.integers(1, 3), st.integers(1, 6))
def test_a_drawn_list_holds_the_numbers_asked_for_and_no_other_crop_of_its_query(tracks, seed, by, near, far):
    lists = drawn(tracks, seed, by, groups=4, tracks=5, similar=near, dissimilar=far)
    assert lists.listed.shape == lists.relevance.shape == (len(lists.queries), near + far)
    assert lists.relevance.sum(1).tolist() == [near] * len(lists.queries)
    for query, listed in zip(lists.queries.tolist(), lists.listed.tolist(), strict=True):
        assert len(set(listed)) == near + far
        assert lists.tracks[query] not in lists.tracks[listed]
    check_relevance(tracks, lists, by)
    if by == ORIGIN:  # groups differ, and the first of each has enough companions
        assert {0, 5, 10, 15} <= set(lists.queries.tolist())


@settings(deadline=None)
@given(SEEDS, RESPECTS)
def test_a_group_is_a_track_and_some_that_are_similar_to_it(tracks, seed, by):
    lists = drawn(tracks, seed, by, groups=4, tracks=3)
    for group in np.split(lists.tracks, 4):
        assert group[0] not in group[1:]
        assert all(similar(tracks[group[0]], tracks[other], by) for other in group[1:])
    firsts = lists.tracks[::3].tolist()
    assert len({tracks[first].track.source if by == ORIGIN else first for first in firsts}) == 4


def test_an_origin_with_few_tracks_is_heard_more_than_once_and_one_with_enough_is_not(make):
    sizes = {"two": 2, "three": 3, "nine": 9}
    made = [make.track(f"{name} {n}", source=name) for name, size in sizes.items() for n in range(size)]
    for seed in range(20):
        lists = drawn(made, seed, ORIGIN, groups=3, tracks=4)
        found = {made[group[0]].track.source: len(set(group.tolist())) for group in np.split(lists.tracks, 3)}
        assert found["two"] == 2
        assert found["three"] <= 3
        assert found["nine"] == 4


def test_there_are_no_more_groups_than_origins_with_companions(make):
    made = [make.track(n, source=f"album {n // 3}") for n in range(6)]
    made += [make.track(n, source=f"single {n}") for n in range(6, 9)]
    for seed in range(20):
        lists = drawn(made, seed, ORIGIN, groups=8, tracks=2)
        assert len(lists.tracks) == 4
        assert lists.tracks.max() < 6


def test_large_origins_come_more_often_but_not_by_their_size(make):
    sizes = [100, *[4] * 10]
    made = [make.track(f"{album} {n}", source=str(album)) for album, size in enumerate(sizes) for n in range(size)]
    sampler = ListSampler(made, ListSettings(by_annotations=0, groups=2, tracks=2))
    generator = np.random.default_rng(0)
    firsts = [sampler.draw(generator).tracks[0] for _ in range(600)]
    share = np.mean([made[first].track.source == "0" for first in firsts])
    assert share == pytest.approx(10 / (10 + 10 * 2), abs=0.06)


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_where_as_many_are_similar_in_both_respects_annotations_have_their_share(make, share):
    made = [make.track(n, source=f"{n % 5}", free_tags=frozenset(TAGS[n // 5 % 4])) for n in range(40)]
    sampler = ListSampler(made, ListSettings(by_annotations=share, groups=3, tracks=2))
    generator, by_tags = np.random.default_rng(1), 0
    for _ in range(400):
        first, second = sampler.draw(generator).tracks[:2]
        by_tags += not similar(made[first], made[second], ORIGIN)
    # two of one tag may be of one album too: by annotations 2 of the 9 companions are
    expected = share * np.mean(
        [
            np.mean(
                [
                    not similar(one, other, ORIGIN)
                    for other in made
                    if other != one and similar(one, other, ANNOTATIONS)
                ]
            )
            for one in made
        ]
    )
    assert by_tags / 400 == pytest.approx(expected, abs=0.06)


def test_domains_come_by_how_much_they_can_ask(tracks):
    sampler = ListSampler(tracks, ListSettings())
    generator = np.random.default_rng(2)
    domains = [{tracks[number].domain for number in sampler.draw(generator).tracks} for _ in range(200)]
    assert all(len(each) == 1 for each in domains)
    assert np.mean([each == {"one"} for each in domains]) == pytest.approx(0.5, abs=0.12)


def test_the_same_seed_draws_the_same_and_another_does_not(tracks):
    sampler = ListSampler(tracks, ListSettings(similar=2, dissimilar=2))
    one, again, other = (sampler.draw(np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert one.tracks.tolist() == again.tracks.tolist() != other.tracks.tolist()
    for part in ("queries", "listed", "relevance"):
        assert torch.equal(getattr(one, part), getattr(again, part))


def test_a_batch_with_too_few_others_asks_nothing(make):
    made = [make.track(n, source=f"album {n // 2}") for n in range(4)]
    lists = drawn(made, 0, ORIGIN, groups=4, tracks=2, similar=1, dissimilar=3)
    assert len(lists.tracks) == 4
    assert len(lists.queries) == len(lists.listed) == len(lists.relevance) == 0


ALBUMS = {"source": lambda n: f"album {n // 4}"}
TAGGED = {"free_tags": lambda n: frozenset([f"tag {n % 3}"])}


@pytest.mark.parametrize(
    ("labels", "changes"),
    [
        ({}, {}),
        ({"source": lambda _: "the only album"}, {"by_annotations": 0.0}),
        ({"free_tags": lambda _: frozenset(["the only tag"])}, {"by_annotations": 1.0}),
        ({"free_tags": lambda n: frozenset([f"tag {n}"])}, {}),
        (ALBUMS, {"by_annotations": 1.0}),
        (TAGGED, {"by_annotations": 0.0}),
        (ALBUMS, {"by_annotations": 0.0, "similar": 4, "dissimilar": 1, "tracks": 5}),
    ],
)
def test_where_no_tracks_are_similar_or_all_are_it_is_said_what_is_needed(make, labels, changes):
    made = [make.track(n, **{name: label(n) for name, label in labels.items()}) for n in range(24)]
    with pytest.raises(TrainingImpossible, match=r"No two tracks are similar .* needs albums .* or tags"):
        ListSampler(made, ListSettings(**changes))


@pytest.mark.parametrize(("labels", "by"), [(ALBUMS, ORIGIN), (TAGGED, ANNOTATIONS)])
def test_one_respect_is_enough(make, labels, by):
    made = [make.track(n, **{name: label(n) for name, label in labels.items()}) for n in range(24)]
    sampler = ListSampler(made, ListSettings(by_annotations=0.5, groups=3))
    for seed in range(10):
        lists = sampler.draw(np.random.default_rng(seed))
        if by == ORIGIN:
            check_relevance(made, lists, ORIGIN)
        assert lists.relevance.any()
        assert not lists.relevance.all()
