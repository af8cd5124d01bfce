import pytest

from models.datasets.labels import label_typos, unify_spelling
from models.datasets.manifest import read_manifest
from models.datasets.track import LabelledTrack
from models.errors import DatasetInvalid


def tracks(**counts):
    names = [name.replace("_", " ") for name, count in counts.items() for _ in range(count)]
    return [LabelledTrack(str(n), None, tags={"genre": frozenset({name})}) for n, name in enumerate(names)]


@pytest.mark.parametrize("typo", ["jaz", "jzaz", "jazzz", "Jazz", "ja zz"])
def test_a_rare_tag_near_a_frequent_one_is_a_typo(typo):
    listed = [*tracks(jazz=5, rock=5), LabelledTrack("x", None, tags={"genre": frozenset({typo})})]
    assert label_typos(listed) == {("genre", typo): "jazz"}


def test_two_slips_are_believed_in_a_long_word_only():
    assert label_typos(tracks(harpsichord=10, harpsicrod=1)) == {("genre", "harpsicrod"): "harpsichord"}
    assert label_typos(tracks(piano=10, pano=1)) == {("genre", "pano"): "piano"}
    assert label_typos(tracks(piano=10, pan=1)) == {}


@pytest.mark.parametrize(
    "other",
    [
        {"brass": 30, "bass": 1},
        {"punk": 30, "funk": 1},
        {"female_vocals": 30, "male_vocals": 2},
        {"flute": 9, "lute": 1},
    ],
)
def test_words_of_music_that_are_alike_are_no_typos(other):
    assert label_typos(tracks(**other)) == {}


def test_other_digits_are_another_tag():
    assert (
        label_typos(
            [
                LabelledTrack(str(n), None, tags={"era": frozenset({era})})
                for n, era in enumerate(["1990s"] * 20 + ["1980s"])
            ]
        )
        == {}
    )


def test_a_frequent_tag_is_no_typo_of_another():
    assert label_typos(tracks(metal=40, mental=8)) == {}
    assert label_typos(tracks(metal=4, medal=1)) == {}


def test_columns_are_judged_each_by_itself():
    listed = [*tracks(jazz=10), LabelledTrack("x", None, free_tags=frozenset({"jaz"}))]
    assert label_typos(listed) == {}


def test_a_typo_is_a_fault_until_it_is_accepted(manifest):
    path = manifest(
        "path,genre", *(f"{name}.wav,jazz" for name in "abcdefg"), "h.wav,jaz", "i.wav,Jazz", "j.wav,Jazz"
    )
    with pytest.raises(DatasetInvalid) as refused:
        read_manifest(path)
    assert refused.value.faults == (
        "line 9: genre 'jaz' (did you mean 'jazz'?)",
        "line 10: genre 'Jazz' (did you mean 'jazz'?, 2 rows)",
    )
    assert len(read_manifest(path, accept_labels=True)) == 10


def test_spellings_can_be_made_one():
    unified = unify_spelling(tracks(Hip_Hop=3) + tracks(**{"hip-hop": 1, "jaz": 1}))
    assert [sorted(track.tags["genre"]) for track in unified] == [["Hip Hop"]] * 4 + [["jaz"]]
