"""What ``soundkin search`` asks of the service."""

import pytest

from app.api.search_schemas import SearchResponse

TRACK = "01936f5e-8d4a-7cc2-9a61-3f1b7c0d2e55"
NOTHING = SearchResponse.model_config["json_schema_extra"]["example"] | {
    "matches": [],
    "empty_because": "Nothing is there.",
}


@pytest.fixture
def asked(soundkin, service):
    """Search, and return the terms that the service was asked with."""
    service.answer = NOTHING

    def search(*arguments):
        ran = soundkin("search", *arguments, "--url", service.url)
        assert ran.status == 0, ran.err
        assert ran.out.strip() == "Nothing is there."
        return service.searches[-1]["terms"]

    return search


def test_tags_are_asked_for_alone(asked):
    assert asked("--tag", "piano") == [{"tag": "piano", "weight": 1.0}]


def test_tags_go_with_a_track_and_its_weights(asked):
    assert asked(TRACK, "-w", "timbre=1", "-t", "piano=0.5", "-t", "slow piano=-2") == [
        {"track": TRACK, "weights": {"timbre": 1.0}},
        {"tag": "piano", "weight": 0.5},
        {"tag": "slow piano", "weight": -2.0},
    ]


def test_a_tag_can_name_its_space(asked):
    assert asked("-t", "mood: ambient", "-t", "genre:ambient=0.5", "-t", "x:12:8 feel") == [
        {"tag": "ambient", "space": "mood", "weight": 1.0},
        {"tag": "ambient", "space": "genre", "weight": 0.5},
        {"tag": "12:8 feel", "space": "x", "weight": 1.0},
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "ask for a tag with --tag"),
        (["-t", "piano", "-w", "timbre=1"], "--weight and --segment belong to a file or a track"),
        (["-t", "piano", "--segment", "1:2"], "--weight and --segment belong to a file or a track"),
        (["-t", "piano=loud"], "[SPACE:]NAME[=WEIGHT]"),
        (["-t", "piano=nan"], "[SPACE:]NAME[=WEIGHT]"),
        (["-t", "=1"], "[SPACE:]NAME[=WEIGHT]"),
        (["-t", "mood:"], "[SPACE:]NAME[=WEIGHT]"),
        (["-t", ""], "[SPACE:]NAME[=WEIGHT]"),
        ([TRACK, "-w", "=1"], "SPACE=NUMBER"),
    ],
)
def test_what_cannot_be_asked_for_is_named_before_the_service_is_asked(soundkin, service, arguments, said):
    ran = soundkin("search", *arguments, "--url", service.url)
    assert ran.status != 0
    assert said in ran.err
    assert service.searches == []
