"""What names of spaces mean in a query."""

import pytest

from app.domain import EncoderInfo, Space
from app.errors import Fault
from app.services.space_names import SpaceNames


def encoder(name: str, *spaces: str) -> EncoderInfo:
    return EncoderInfo(name, name, "1", "d", tuple(Space(space, 2) for space in spaces))


LIBROSA = encoder("librosa", "timbre", "rhythm")
CSN = encoder("csn", "genre", "mood", "rhythm")
NAMES = SpaceNames(LIBROSA, [CSN, LIBROSA, encoder("hdpgmm", "sound")])


def weights(given: dict[str, float] | None, names: SpaceNames = NAMES) -> dict[str, float]:
    faults: list[Fault] = []
    found = names.weights("terms.0.weights", given, faults)
    assert not faults
    return {".".join(space): weight for space, weight in found.items()}


def faults(given: dict[str, float]) -> list[tuple[str, str]]:
    found: list[Fault] = []
    NAMES.weights("terms.0.weights", given, found)
    return [(fault.place, fault.message) for fault in found]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, {"librosa.timbre": 1, "librosa.rhythm": 1}),
        ({}, {}),
        ({"rhythm": 2}, {"librosa.rhythm": 2}),
        ({"librosa.rhythm": 2}, {"librosa.rhythm": 2}),
        ({"csn.rhythm": -1, "rhythm": 2}, {"csn.rhythm": -1, "librosa.rhythm": 2}),
        ({"csn.genre": 1, "hdpgmm": 0.5}, {"csn.genre": 1, "hdpgmm.sound": 0.5}),
        ({"csn": 3}, {"csn.genre": 1, "csn.mood": 1, "csn.rhythm": 1}),
        ({"csn.mood": 0, "csn": 3}, {"csn.genre": 1, "csn.mood": 0, "csn.rhythm": 1}),
    ],
)
def test_a_name_is_a_space_of_the_own_encoder_or_one_of_any_or_all_of_one(
    given: dict[str, float] | None, meant: dict[str, float]
) -> None:
    assert weights(given) == meant


def test_a_space_of_the_own_encoder_goes_before_an_encoder_of_that_name() -> None:
    odd = encoder("odd", "csn", "other")
    assert weights({"csn": 1}, SpaceNames(odd, [odd, CSN])) == {"odd.csn": 1}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mood", "There is no space 'mood'; the encoder's spaces are timbre, rhythm. Did you mean csn.mood?"),
        ("timber", "There is no space 'timber'; the encoder's spaces are timbre, rhythm. Did you mean timbre?"),
        (
            "csn.gnre",
            "There is no space 'csn.gnre'; the encoder's spaces are timbre, rhythm. Did you mean csn.genre?",
        ),
        ("", "There is no space ''; the encoder's spaces are timbre, rhythm."),
    ],
)
def test_an_unknown_name_is_refused_with_what_was_perhaps_meant(name: str, says: str) -> None:
    [(place, message)] = faults({name: 1, "timbre": 1})
    assert place == f"terms.0.weights.{name}"
    assert message.startswith(says)


def test_a_space_under_two_names_is_refused() -> None:
    assert faults({"rhythm": 1, "librosa.rhythm": 2}) == [
        ("terms.0.weights.librosa.rhythm", "The space librosa.rhythm is weighed twice.")
    ]


def test_names_are_found_whatever_their_case() -> None:
    assert NAMES.find("CSN.Mood") == (("csn", "mood"),)
    assert NAMES.find("nothing") == ()
