"""Sections of a track are whole, apart from each other, and as similar as the best of their parts."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.services.sections import merged_sections

halves = st.integers(0, 40).map(lambda twice: twice / 2)
spans = st.tuples(halves, st.integers(1, 12)).map(lambda pair: (pair[0], pair[0] + pair[1] / 2))
parts = st.lists(st.tuples(spans, st.integers(-8, 8).map(lambda eighths: eighths / 8)), max_size=12)


@given(parts, st.sampled_from([-1.0, 0.0, 0.5, 1.0]))
def test_every_similar_part_lies_in_one_section_and_no_section_is_larger_than_its_parts(made, floor):
    spans_s = np.array([span for span, _ in made], np.float32).reshape(-1, 2)
    sections = merged_sections(spans_s, np.array([score for _, score in made]), floor)
    homes = {section: [] for section in sections}
    for (start_s, end_s), score in made:
        if score >= floor:
            [home] = [each for each in sections if each.start_s <= start_s and end_s <= each.end_s]
            homes[home].append((start_s, end_s, score))
    for section, inner in homes.items():
        assert section.start_s == min(start_s for start_s, _, _ in inner)
        assert section.end_s == max(end_s for _, end_s, _ in inner)
        assert section.similarity == max(score for _, _, score in inner)
    in_time = sorted(sections, key=lambda section: section.start_s)
    assert all(before.end_s < after.start_s for before, after in pairwise(in_time))
    assert [each.similarity for each in sections] == sorted((each.similarity for each in sections), reverse=True)
