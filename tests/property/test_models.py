"""What holds for whatever waveform and whatever bytes."""

import io

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.audio import decode
from models.errors import AudioUnreadable
from models.probe import MAX_VALUE_CHARACTERS, clean, embedded_tags
from models.statistics import FACETS, frames_to_rows, segment_spans_s, segment_starts
from models.track_frames import waveform_to_track_frames

HEADS = (
    b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00",
    b"fLaC\x00\x00\x00\x22",
    b"OggS\x00\x02",
    b"ID3\x03\x00",
    b"FORM",
)


@given(st.integers(1, 60_000), st.floats(0.01, 3_000))
def test_segments_follow_each_other_and_reach_the_end(frames, duration_s):
    starts = segment_starts(frames)
    assert starts[0] == 0
    assert all(start % 4 == 0 for start in starts)
    assert starts == sorted(set(starts))
    assert starts[-1] < frames
    assert len(segment_spans_s(frames, duration_s)) == len(starts)


@settings(max_examples=25, deadline=None)
@given(
    arrays.arrays(np.float32, st.integers(1, 4_000), elements=st.floats(-1_000, 1_000, width=32)),
    st.integers(1, 8),
)
def test_statistics_are_numbers_or_marked_as_missing_as_a_whole_facet(samples, repeats):
    with torch.inference_mode():
        rows = frames_to_rows(waveform_to_track_frames(np.tile(samples, repeats)))
    assert not rows.isinf().any()
    for part in torch.split(rows, list(FACETS.values()), 1):
        missing = part.isnan()
        assert (missing.all(1) | ~missing.any(1)).all()


@settings(deadline=None)
@given(st.sampled_from(HEADS), st.binary(max_size=3_000))
def test_bytes_are_sound_or_refused(head, rest):
    try:
        decoded = decode(io.BytesIO(head + rest), max_duration_s=2.0)
    except AudioUnreadable:
        return
    assert np.isfinite(decoded.waveform).all()
    assert 0 < decoded.duration_s <= 2.0


@given(st.text())
def test_cleaned_text_is_one_line_and_cleaning_it_again_changes_nothing(text):
    cleaned = clean(text)
    assert len(cleaned) <= MAX_VALUE_CHARACTERS
    assert cleaned.isprintable() or not any(character in cleaned for character in "\n\r\t\0\x1b")
    assert clean(cleaned) == cleaned
    cleaned.encode()


@given(
    st.dictionaries(st.sampled_from(["title", "genre", "date", "artist", "odd"]), st.text() | st.lists(st.text()))
)
def test_any_tags_become_a_record(fields):
    tags = embedded_tags(fields)
    assert all(tags.tags)
    assert tags.title is None or tags.title
