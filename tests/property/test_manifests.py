"""Manifests read back as they were written, and splits keep together what belongs together."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.datasets.collection import split_by_origin
from models.datasets.duplicates import complete
from models.datasets.keys import KEYS
from models.datasets.manifest import read_manifest
from models.datasets.manifest_writer import write_manifest
from models.datasets.spelling import edit_distance
from models.datasets.track import SPLITS, TAG_DIMENSIONS, Dataset, LabelledTrack
from models.errors import DatasetInvalid

PLACES = [f"f{n // 4}/track, {n} “é”.wav" for n in range(12)]
CHARACTERS = st.characters(
    codec="utf-8", exclude_characters=";\0", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")
)
words = st.text(CHARACTERS, min_size=1, max_size=6).map(str.strip).filter(bool)
texts = st.one_of(st.just(""), st.lists(words, min_size=1, max_size=3).map('", \n'.join))
tags = st.frozensets(words, max_size=2)


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    for place in PLACES:
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_bytes(b"x")
    return folder


@st.composite
def datasets(draw, folder):
    ids = draw(st.lists(st.sampled_from(PLACES), min_size=1, unique=True))
    duplicates = complete(
        dict(draw(st.lists(st.tuples(st.sampled_from(ids), st.sampled_from(ids).map(lambda one: [one])))))
    )
    return [
        LabelledTrack(
            id=name,
            path=folder / name,
            **{column: draw(texts) for column in ("title", "artist", "album", "licence", "source")},
            split=draw(st.sampled_from(("", *SPLITS))),
            duplicates=duplicates.get(name, frozenset()),
            tags={dimension: found for dimension in TAG_DIMENSIONS if (found := draw(tags))},
            free_tags=draw(tags),
            tempo_bpm=draw(st.none() | st.floats(20, 400)),
            key=draw(st.none() | st.sampled_from(KEYS)),
            attributes={name: text for name in ("ensemble", "year") if (text := draw(texts))},
        )
        for name in ids
    ]


@given(st.data())
def test_a_manifest_reads_back_as_the_same_tracks(audio, tmp_path_factory, data):
    tracks = data.draw(datasets(audio))
    path = tmp_path_factory.mktemp("manifest") / "x.csv"
    write_manifest(path, tracks)
    assert read_manifest(path, audio, accept_labels=True).tracks == tuple(tracks)


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 12), st.integers(0, 40)), min_size=1, max_size=40),
    st.integers(0, 99),
)
def test_a_split_keeps_origins_artists_and_duplicates_together(rows, seed):
    tracks = [
        LabelledTrack(
            str(n),
            Path(),
            source=f"s{source}" if source else "",
            artist=f"a{artist}" if artist else "",
            duplicates=frozenset({str(other)}) if other < n else frozenset(),
        )
        for n, (source, artist, other) in enumerate(rows)
    ]
    split = split_by_origin(Dataset("x", tuple(tracks)), seed)
    side = {track.id: track.split for track in split.tracks}
    assert set(side.values()) <= set(SPLITS)
    for one in split.tracks:
        for other in split.tracks:
            if (
                one.origin == other.origin
                or (one.artist and one.artist == other.artist)
                or other.id in one.duplicates
            ):
                assert side[one.id] == side[other.id]
    assert split == split_by_origin(Dataset("x", tuple(tracks)), seed)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), st.integers(0, 99))
def test_a_split_is_near_its_shares(origins, seed):
    tracks = tuple(LabelledTrack(str(n), Path(), source=str(origin)) for n, origin in enumerate(origins))
    sizes = Counter(track.split for track in split_by_origin(Dataset("x", tracks), seed).tracks)
    largest = max(Counter(origins).values())
    for name, share in zip(SPLITS, (0.5, 0.25, 0.25), strict=True):
        assert abs(sizes[name] - share * len(tracks)) < 2 * largest


@given(st.lists(st.text(), max_size=30), st.binary(max_size=200))
def test_no_bytes_bring_the_reader_down(tmp_path_factory, lines, tail):
    path = tmp_path_factory.mktemp("bytes") / "x.csv"
    path.write_bytes(b"path,title\n" + "\n".join(lines).encode("utf-8", "surrogatepass") + tail)
    with pytest.raises(DatasetInvalid):
        read_manifest(path)


@given(st.text("abc", max_size=6), st.text("abc", max_size=6), st.integers(0, 4))
def test_a_distance_that_does_not_matter_is_only_above_the_limit(one, other, most):
    exact = edit_distance(one, other)
    limited = edit_distance(one, other, most)
    assert limited == exact if exact <= most else limited > most
