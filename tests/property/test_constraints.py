"""Constraints mean what they say: the filter that a constraint becomes holds for the tracks that meet it."""

import re
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.adapters.checked_filter import checked_filter
from app.adapters.memory_filters import holds
from app.constraints import (
    Bounds,
    Duration,
    Key,
    KeyMatch,
    Licences,
    OtherAlbum,
    OtherArtist,
    TagsExcluded,
    TagsRequired,
    Tempo,
)
from app.domain import DEFAULT_LIBRARY, Analysis, Metadata, StoredAudio, Track, TrackKind, new_id
from app.errors import InvalidQuery
from app.tonality import Tonality

WORDS = ["a", "A", "é", "É", "ß", "SS", "b"]
words = st.sampled_from(WORDS)
maybe_word = st.none() | words
tempos = st.sampled_from([0.0, 59.0, 60.0, 61.5, 90.0, 112.8, 120.0, 127.2, 128.0, 240.0]) | st.floats(1, 300)
durations = st.sampled_from([0.0, 1.0, 60.0, 75.0, 75.5, 90.0]) | st.floats(0, 1000)
tonics = ("A", "C", "Bb", "A#", "F#", "Gb")
keys = st.sampled_from([f"{tonic} {mode}" for tonic in tonics for mode in ("major", "minor")])
some_words = st.lists(words, min_size=1, max_size=3).map(tuple)


@st.composite
def tracks(draw):
    tags = st.lists(words, max_size=3).map(tuple)
    metadata = Metadata(
        "t",
        draw(maybe_word),
        draw(maybe_word),
        None,
        draw(maybe_word),
        draw(tags),
        denied_tags=draw(tags),
    )
    analysis = None
    if draw(st.booleans()):
        tempo, key = draw(st.none() | tempos), draw(st.none() | keys)
        analysis = Analysis(draw(durations), None, tempo, 0.5, key, 0.5, 44100, 2, "mp3")
    heard = draw(st.dictionaries(words, st.floats(0.5, 1), max_size=3))
    audio = StoredAudio(None, "0" * 64, 1, "audio/wav", "a.wav")
    return Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, metadata, audio, analysis=analysis, heard=heard)


bounds = st.one_of(
    st.builds(Bounds, within=st.floats(0, 100)),
    st.builds(Bounds, gte=st.floats(0, 200)),
    st.builds(Bounds, lte=st.floats(0, 200)),
    st.builds(Bounds, gte=st.floats(0, 100), lte=st.floats(100, 300)),
)
tempo_bounds = bounds | st.builds(Bounds, within_percent=st.floats(0, 100))


def beside(constraint, reference):
    """The condition; examples in which the reference lacks what is compared are of no interest here."""
    try:
        return constraint.beside(reference)
    except InvalidQuery:
        assume(False)


def meets(condition, track):
    return holds(checked_filter(condition.where), track)


def folded(text):
    return None if text is None else text.casefold()


def is_between(value, own, limits):
    """Ranges about the reference reach to the next tenth; bounds that are given are taken as they are."""
    if limits.within is None and limits.within_percent is None:
        return (limits.gte is None or limits.gte <= value) and (limits.lte is None or value <= limits.lte)
    middle, share, tenth = Decimal(repr(own)), Decimal(repr(limits.within_percent or 0.0)) / 100, Decimal("0.1")
    reach = Decimal(repr(limits.within)) if limits.within is not None else middle * share
    low = (middle - reach).quantize(tenth, ROUND_FLOOR)
    high = (middle + reach).quantize(tenth, ROUND_CEILING)
    return float(low) <= value <= float(high)


@given(tracks(), tracks(), bounds)
def test_the_length_lies_between_its_bounds(reference, track, limits):
    condition = beside(Duration(limits), reference)
    own = reference.analysis.duration_s if reference.analysis else None
    expected = track.analysis is not None and is_between(track.analysis.duration_s, own, limits)
    assert meets(condition, track) is expected
    assert ("no length" in condition.found(track)) is (track.analysis is None)


@given(tracks(), tracks(), tempo_bounds, st.booleans())
def test_the_tempo_or_its_octave_lies_between_its_bounds(reference, track, limits, octaves):
    condition = beside(Tempo(limits, octaves), reference)
    own = reference.analysis.tempo_bpm if reference.analysis else None
    tempo = track.analysis.tempo_bpm if track.analysis else None
    by_octave = {"": tempo, "(half)": 2 * (tempo or 0), "(double)": (tempo or 0) / 2}
    fitting = [words for words, each in by_octave.items() if tempo is not None and is_between(each, own, limits)]
    fitting = fitting if octaves else [words for words in fitting if not words]
    assert meets(condition, track) is bool(fitting)
    assert condition.found(track).endswith(fitting[0] if fitting else ("known" if tempo is None else "bpm"))


hundredths = st.integers(1, 30_000).map(lambda count: count / 100)
hairs = st.sampled_from([sign * hair for hair in (0.0, 1e-9, 0.004, 0.04, 0.05, 0.06) for sign in (-1, 1)])
plain_bounds = st.one_of(
    st.builds(Bounds, within=st.sampled_from([0.0, 3.0, 15.0]) | hundredths),
    st.builds(Bounds, within_percent=st.sampled_from([0.0, 6.0]) | st.floats(0, 100)),
    st.builds(Bounds, gte=hundredths),
    st.builds(Bounds, lte=hundredths),
)


def measured(value):
    audio = StoredAudio(None, "0" * 64, 1, "audio/wav", "a.wav")
    analysis = Analysis(value, None, value, 0.5, None, 0.5, 44100, 2, "mp3")
    return Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, Metadata(), audio, analysis=analysis)


def reads_inside(wanted, value):
    """Whether somebody who reads the words, and knows no more, takes the value for one that is wanted."""
    bounds = [float(number) for number in re.findall(r"[0-9.]+", wanted)]
    if wanted.startswith("at "):
        return value <= bounds[0] if "most" in wanted else value >= bounds[0]
    return bounds[0] <= value <= bounds[1]


@given(hundredths | st.floats(1, 300), plain_bounds, hairs, st.booleans(), st.data())
def test_words_and_filter_agree_about_a_value_beside_a_bound(own, limits, hair, octaves, data):
    bound = data.draw(st.sampled_from([limit for limit in limits.about(own) if limit is not None]))
    value = max(0.0, data.draw(st.sampled_from([1, 0.5, 2])) * bound + hair)
    reference, track = measured(own), measured(value)
    length, tempo = Duration(limits).beside(reference), Tempo(limits, octaves).beside(reference)
    assert reads_inside(length.wanted, float(length.found(track).split()[0])) is meets(length, track)
    beats = float(tempo.found(track).split()[0])
    counted = [beats, 2 * beats, beats / 2] if octaves else [beats]
    assert any(reads_inside(tempo.wanted, each) for each in counted) is meets(tempo, track)


def test_what_lies_beyond_a_bound_by_a_hair_is_told_to_the_hair():
    near = Duration(Bounds(within=15)).beside(measured(180.0))
    assert (near.wanted, near.found(measured(195.04)), near.found(measured(195.0))) == (
        "165–195 s",
        "195.04 s",
        "195 s",
    )
    tempo = Tempo(Bounds(within_percent=6)).beside(measured(120.0))
    assert [tempo.found(measured(value)) for value in (127.24, 63.61, 63.59, 140.04)] == [
        "127.24 bpm",
        "63.61 bpm",
        "63.6 bpm (half)",
        "140 bpm",
    ]
    assert Duration(Bounds(gte=99.96)).beside(measured(1.0)).wanted == "at least 99.96 s"


@given(tracks(), tracks(), st.sampled_from(KeyMatch))
def test_the_key_is_one_that_goes_with_that_of_the_reference(reference, track, match):
    condition = beside(Key(match), reference)
    own = Tonality.parse(reference.analysis.key)
    its = Tonality.parse(track.analysis.key) if track.analysis and track.analysis.key else None
    expected = its == own if match is KeyMatch.SAME else its in own.companions()
    assert meets(condition, track) is expected


@given(tracks(), tracks(), some_words)
def test_the_licence_is_one_of_those(reference, track, licences):
    expected = folded(track.metadata.licence) in {each.casefold() for each in licences}
    assert meets(Licences(licences).beside(reference), track) is expected


@given(tracks(), tracks())
def test_an_unknown_artist_or_album_is_another_one(reference, track):
    for constraint, name in ((OtherArtist(), "artist"), (OtherAlbum(), "album")):
        own, its = (folded(getattr(each.metadata, name)) for each in (reference, track))
        condition = constraint.beside(reference)
        assert meets(condition, track) is (own is None or own != its)
        assert condition.found(track) == (getattr(track.metadata, name) or f"no {name} known")


@given(tracks(), tracks(), some_words)
def test_required_tags_are_all_there_and_excluded_ones_are_not(reference, track, tags):
    denied = {folded(tag) for tag in track.metadata.denied_tags}
    heard = {folded(tag) for tag in track.heard} - denied
    carried = {folded(tag) for tag in track.metadata.tags} | heard
    wanted = {folded(tag) for tag in tags}
    required, excluded = TagsRequired(tags).beside(reference), TagsExcluded(tags).beside(reference)
    assert meets(required, track) is (wanted <= carried)
    assert required.found(track).startswith("lacks") is not (wanted <= carried)
    assert meets(excluded, track) is wanted.isdisjoint(carried)
    assert (excluded.found(track) == "none of them") is wanted.isdisjoint(carried)


@given(tracks(), tempo_bounds)
def test_the_reference_meets_what_is_measured_from_it(reference, limits):
    assume(limits.within is not None or limits.within_percent is not None)
    analysed = replace(reference, analysis=Analysis(61.3, None, 121.7, 0.5, "Bb minor", 0.5, 44100, 2, "mp3"))
    for constraint in (Duration(limits), Tempo(limits), Key(KeyMatch.SAME), Key(KeyMatch.COMPATIBLE)):
        assert meets(constraint.beside(analysed), analysed)


UNMEASURED = [Duration(Bounds(within=1)), Tempo(Bounds(within_percent=6)), Key(KeyMatch.SAME)]


@pytest.mark.parametrize("constraint", UNMEASURED, ids=lambda each: each.name)
def test_a_reference_without_a_measure_cannot_be_compared_with(constraint):
    audio = StoredAudio(None, "0" * 64, 1, "audio/wav", "a.wav")
    reference = Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, Metadata(), audio)
    with pytest.raises(InvalidQuery, match="has no"):
        constraint.beside(reference)
    assert Tempo(Bounds(gte=90)).beside(reference).wanted == "at least 90 bpm, or half or double"


def test_what_is_wanted_is_said_in_words():
    audio = StoredAudio(None, "0" * 64, 1, "audio/wav", "a.wav")
    metadata = Metadata(artist="Ada", tags=("piano", "calm"))
    analysis = Analysis(181.24, None, 120.0, 0.5, "A minor", 0.5, 44100, 2, "mp3")
    reference = Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, metadata, audio, analysis=analysis)
    slow = replace(reference, analysis=replace(analysis, tempo_bpm=60.0, key="C major"))
    said = {
        Licences(("CC0", "CC-BY-4.0", "own")): ("CC0, CC-BY-4.0 or own", "no licence known"),
        Duration(Bounds(within=15)): ("166.2–196.3 s", "181.2 s"),
        Duration(Bounds(lte=200)): ("at most 200 s", "181.2 s"),
        Tempo(Bounds(within_percent=6)): ("112.8–127.2 bpm, or half or double", "60 bpm (half)"),
        Tempo(Bounds(within=200), octaves=False): ("0–320 bpm", "60 bpm"),
        Key(KeyMatch.COMPATIBLE): ("A minor, C major, E minor or D minor", "C major (relative)"),
        Key(KeyMatch.SAME): ("A minor", "C major"),
        OtherArtist(): ("another artist than Ada", "Ada"),
        OtherAlbum(): ("any album: that of the reference is not known", "no album known"),
        TagsRequired(("calm", "piano")): ("calm and piano", "calm and piano"),
        TagsRequired(("calm", "loud")): ("calm and loud", "lacks loud"),
        TagsExcluded(("loud", "piano")): ("not loud or piano", "piano"),
    }
    conditions = {each: each.beside(reference) for each in said}
    assert {each: (condition.wanted, condition.found(slow)) for each, condition in conditions.items()} == said
