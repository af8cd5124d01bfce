import numpy as np
import pytest

from models.rendering.ensemble import ENSEMBLES
from models.taggers.families import FAMILIES, tagger_families
from models.taggers.vocabulary import JAMENDO, MSD, MSD_DIMENSIONS, MTAT, VOCABULARIES


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_a_vocabulary_has_fifty_different_tags_and_families(vocabulary):
    assert len(set(VOCABULARIES[vocabulary])) == 50
    assert VOCABULARIES[vocabulary] in FAMILIES


def test_jamendo_tags_are_in_alphabetical_order():
    assert list(JAMENDO) == sorted(JAMENDO)


def test_every_msd_tag_is_in_one_dimension():
    assert {dimension: len(tags) for dimension, tags in MSD_DIMENSIONS.items()} == {
        "genre": 28,
        "mood": 12,
        "instrument": 5,
        "era": 5,
    }
    assert sorted(tag for tags in MSD_DIMENSIONS.values() for tag in tags) == sorted(MSD)


@pytest.mark.parametrize("tags", FAMILIES)
def test_families_are_those_of_rendered_music_and_their_words_are_tags(tags):
    assert set(FAMILIES[tags]) <= set(ENSEMBLES)
    words = [word for found in FAMILIES[tags].values() for word in found]
    assert set(words) <= set(tags)
    assert len(set(words)) == len(words)


def test_a_family_scores_as_its_most_probable_word():
    probabilities = np.zeros((2, 50), np.float32)
    probabilities[0, [MTAT.index("cello"), MTAT.index("strings"), MTAT.index("weird")]] = 0.7, 0.2, 0.9
    probabilities[1, MTAT.index("flute")] = 0.4
    families = tagger_families(probabilities, MTAT)
    np.testing.assert_allclose(families["strings"], [0.7, 0])
    np.testing.assert_allclose(families["woodwinds"], [0, 0.4])
    assert families["piano"].tolist() == [0, 0]
