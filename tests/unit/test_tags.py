"""Confidences of tags, worked out by hand."""

import numpy as np
import pytest

from app.domain import EncoderInfo, Space
from app.services.tags import heard_tags
from app.tag_directions import TagDirections

TAGS = TagDirections(
    ("calm", "dark"), np.array([[1, 0], [0, -1]], np.float32), np.float32([2, 1000]), np.float32([-1, 0])
)


def test_a_confidence_is_the_sigmoid_of_the_scaled_cosine_and_the_offset() -> None:
    confidences = TAGS.confidences(np.array([0.6, 0.8], np.float32))
    assert confidences == pytest.approx([1 / (1 + np.exp(-0.2)), 0])


def test_confidences_far_out_are_sure_and_nothing_overflows() -> None:
    assert TAGS.confidences(np.array([0, -1], np.float32))[1] == 1
    assert TAGS.confidences(np.array([0, 1], np.float32))[1] == 0


def test_nothing_is_heard_in_silence() -> None:
    encoder = EncoderInfo("e", "toy", "1", "d", (Space("mood", 2), Space("era", 1)), {"mood": TAGS})
    assert heard_tags(encoder, np.zeros(3, np.float32), 0.0) == {"mood": []}
    assert [each.tag for each in heard_tags(encoder, np.float32([1, 0, 1]), 0.0)["mood"]] == ["calm", "dark"]


def test_tag_directions_are_equal_and_hash_by_what_they_hold() -> None:
    same = TagDirections(TAGS.names, TAGS.directions.copy(), TAGS.scale, TAGS.offset)
    other = TagDirections(TAGS.names, TAGS.directions, TAGS.scale, TAGS.offset + 1)
    assert len({TAGS, same, other}) == 2
    assert TAGS != "tags"
