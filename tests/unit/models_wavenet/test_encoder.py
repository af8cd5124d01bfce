"""The encoder: artifacts that it does not take, and what it hears in files of any rate, level and length."""

import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.artifact import Artifact
from models.audio import decode
from models.encoder import Space, embed
from models.errors import ArtifactInvalid, WaveformTooShort
from models.track_frames import SAMPLE_RATE_HZ
from models.wavenet.encoder import MIN_SAMPLES, RADIUS, WavenetEncoder, described

CPU = torch.device("cpu")
KINDS = {
    "samples": {},
    "mel": {"signal": "mel", "padding": "centred"},
    "distances": {"signal": "mel", "similarity": "euclidean", "final_pooling": "mean"},
}
ARTIFACT = {"similarity": "euclidean", "signal": "mel"}


@pytest.fixture(scope="module", params=KINDS)
def encoder(make, request):
    return make.encoder(**KINDS[request.param])


@pytest.fixture(scope="module")
def original(make):
    return make.music(5.5)


def vectors(embedding):
    return np.concatenate([embedding.vector[None], embedding.segments])


def likeness(encoder, one, other):
    return float(embed(encoder, one).vector @ embed(encoder, other).vector)


@pytest.fixture(scope="module")
def others(make, encoder):
    """(N, D) vectors of other music."""
    return np.array([embed(encoder, make.music(5.0, seed)).vector for seed in range(1, 8)])


# Artifacts.


def changed(manifest, **stated):
    return replace(manifest, settings={**manifest.settings, **stated})


def network(manifest, **stated):
    return changed(manifest, network={**manifest.settings["network"], **stated})


DAMAGES = {
    "another rate": (
        lambda m, t: (replace(m, sample_rate_hz=16_000), t),
        "'wavenet' was trained on version 1 of its inputs at 16000 Hz; this is version 1 at 22050 Hz",
    ),
    "another version of the inputs": (
        lambda m, t: (changed(m, inputs_version=99), t),
        r"on version 99 .* Train it anew: python -m models train wavenet\.",
    ),
    "no version": (lambda m, t: (replace(m, settings={}), t), "on version None of its inputs"),
    "no network": (lambda m, t: (changed(m, network=None), t), "describes no network"),
    "a network that cannot be": (lambda m, t: (network(m, filter=1), t), r"(?s)describes no network: .*filter"),
    "an unknown setting": (lambda m, t: (network(m, colour=1), t), r"(?s)describes no network: .*colour"),
    "another space": (lambda m, t: (replace(m, spaces=(Space("key", 6),)), t), r"has \[\('key', 6\)\]"),
    "two spaces": (lambda m, t: (replace(m, spaces=m.spaces * 2), t), "the space 'sound' of 6 dimensions"),
    "another dimension": (lambda m, t: (network(m, connected=(8,)), t), "the space 'sound' of 9 dimensions"),
    "the other similarity": (
        lambda m, t: (network(m, similarity="cosine"), t),
        r"the space 'sound' of 5 dimensions; its manifest has \[\('sound', 6\)\]",
    ),
    "other sizes": (lambda m, t: (network(m, channels=7), t), "has the shape .* asks for"),
    "a missing tensor": (
        lambda m, t: (m, {name: tensor for name, tensor in t.items() if "enter.bias" not in name}),
        r"lack the tensor 'network\.stacks\.enter\.bias'",
    ),
    "no radius": (
        lambda m, t: (m, {name: tensor for name, tensor in t.items() if name != RADIUS}),
        "lack the tensor 'radius'",
    ),
    "many radii": (lambda m, t: (m, {**t, RADIUS: torch.ones(6)}), "'radius' .* has the shape"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_artifact_that_does_not_fit_is_refused_with_the_reason(make, damage):
    change, message = DAMAGES[damage]
    chosen = make.settings(**ARTIFACT)
    manifest, tensors = change(described(chosen, "1", {}), make.tensors(chosen))
    with pytest.raises(ArtifactInvalid, match=message):
        WavenetEncoder(Artifact(manifest, tensors), CPU)


def test_half_precision_is_taken(make):
    chosen = make.settings(**ARTIFACT)
    manifest, tensors = described(chosen, "1", {}), make.tensors(chosen)
    whole, half = (
        WavenetEncoder(Artifact(manifest, each), CPU)
        for each in (tensors, {name: tensor.half() for name, tensor in tensors.items()})
    )
    assert likeness(whole, make.music(3), make.music(3)) == pytest.approx(1)
    assert embed(half, make.music(3)).vector @ embed(whole, make.music(3)).vector > 0.999


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
def test_vectors_compared_by_distance_have_one_number_more(make, original, similarity):
    encoder = make.encoder(similarity=similarity)
    dimension = {"cosine": 5, "euclidean": 6}[similarity]
    assert encoder.manifest.dimension == dimension
    found = vectors(embed(encoder, original))
    assert found.shape[1] == dimension
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_the_distances_between_vectors_are_those_between_embeddings_or_a_little_longer(make):
    chosen, radius = make.settings(**KINDS["distances"]), 50.0
    artifact = Artifact(described(chosen, "1", {}), {**make.tensors(chosen), RADIUS: torch.tensor(radius)})
    encoder, sounds = WavenetEncoder(artifact, CPU), [make.music(3.0, seed) for seed in range(8)]
    with torch.inference_mode():
        steps = [encoder.encode(encoder.prepare(sound).inputs).flatten(0, 1) for sound in sounds]
        embeddings = torch.cat([encoder.embeddings(each[each[:, -1] > 0, :-1]) for each in steps]).double()
    points = torch.tensor(np.array([embed(encoder, sound).vector for sound in sounds])).double()
    shares = torch.pdist(points) * radius / torch.pdist(embeddings)
    assert shares.min() > 1 - 1e-3
    assert shares.max() < (4 / 3) ** 0.5


def test_a_track_is_put_together_on_the_cpu_whatever_the_network_runs_on(make, original):
    chosen = make.settings()
    artifact = Artifact(described(chosen, "1", {}), make.tensors(chosen))
    near, away = (WavenetEncoder(artifact, torch.device(device)) for device in ("cpu", "meta"))
    prepared = near.prepare(original)
    with torch.inference_mode():
        outputs = near.encode(prepared.inputs)
    assert {parameter.device.type for parameter in away._network.parameters()} == {"meta"}
    np.testing.assert_array_equal(away.pool(prepared, outputs).vector, near.pool(prepared, outputs).vector)


# Length.


def test_too_short_says_how_long_it_must_be_and_half_a_second_is_enough(make, encoder):
    sound = make.music(1.0)
    with pytest.raises(WaveformTooShort, match=r"has 0\.500 s of sound; encoder 'wavenet' needs at least 0\.500 s"):
        encoder.prepare(sound[: MIN_SAMPLES - 1])
    found = embed(encoder, sound[:MIN_SAMPLES])
    assert found.spans_s.tolist() == [[0, 0.5]]
    assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(found.segments[0], found.vector)


@settings(deadline=None, max_examples=20)
@given(st.integers(MIN_SAMPLES, 11 * SAMPLE_RATE_HZ // 2))
@example(MIN_SAMPLES)
@example(4 * SAMPLE_RATE_HZ)
@example(5 * SAMPLE_RATE_HZ - 1)
def test_any_length_gives_segments_that_cover_the_track(encoder, original, samples):
    found = embed(encoder, original[:samples])
    start, end = found.spans_s.T
    assert start[0] == 0
    assert end[-1] == pytest.approx(samples / SAMPLE_RATE_HZ, abs=1e-4)
    np.testing.assert_array_equal(start[1:], end[:-1])
    assert len(found.segments) == len(start)
    lengths_s = end - start
    if len(start) > 1:
        step_s = encoder._settings.step * 512 / SAMPLE_RATE_HZ
        assert (np.abs(lengths_s[:-1] - 2) <= step_s / 2).all()
        assert 1 - step_s <= lengths_s[-1] <= 3 + step_s
    np.testing.assert_allclose(np.linalg.norm(vectors(found), axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("seconds", [2.0, 7.0])
def test_silence_that_is_appended_leaves_what_came_before_as_it_was(make, seconds):
    encoder = make.encoder(signal="mel", segment_s=1.0)
    sound = np.random.default_rng(0).normal(scale=0.1, size=4 * SAMPLE_RATE_HZ).astype(np.float32)
    sound -= sound.mean()
    longer = np.concatenate([sound, np.zeros(int(seconds * SAMPLE_RATE_HZ), np.float32)])
    before, after = embed(encoder, sound), embed(encoder, longer)
    assert len(after.segments) - len(before.segments) >= seconds / 1.1 - 1
    np.testing.assert_allclose(after.segments[: len(before.segments) - 1], before.segments[:-1], atol=1e-4)
    np.testing.assert_array_equal(after.spans_s[: len(before.segments) - 1], before.spans_s[:-1])
    assert not after.segments[-1].any()
    assert after.vector.any()


# Silence.


def test_silence_has_no_vector(encoder):
    for samples in (MIN_SAMPLES, 5 * SAMPLE_RATE_HZ + 77):
        found = embed(encoder, np.zeros(samples, np.float32))
        assert not vectors(found).any()


def test_of_a_track_with_a_pause_the_silent_segments_alone_are_zero(make, encoder):
    parts = [make.music(4.1), np.zeros(8 * SAMPLE_RATE_HZ, np.float32), make.music(4.1, 1)]
    found = embed(encoder, np.concatenate(parts))
    assert found.vector.any()
    for (start, end), segment in zip(found.spans_s, found.segments, strict=True):
        if start > 4.2 and end < 12:
            assert not segment.any()
        elif end <= 4 or start >= 12.2:
            assert segment.any()
    assert sum(not segment.any() for segment in found.segments) >= 2


def test_direct_current_is_silence_and_no_part_of_music(encoder, original):
    assert not vectors(embed(encoder, np.full(3 * SAMPLE_RATE_HZ, 0.7, np.float32))).any()
    assert likeness(encoder, original, original + np.float32(0.3)) > 0.99


# The same music otherwise.


@pytest.mark.parametrize("gain", [1e-2, 0.1, 3.0, 300.0])
def test_the_level_does_not_matter(encoder, original, gain):
    louder = original * np.float32(gain)
    np.testing.assert_allclose(vectors(embed(encoder, louder)), vectors(embed(encoder, original)), atol=1e-3)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_a_file_of_another_rate_is_the_same_music(make, encoder, original, others, rate):
    file = io.BytesIO()
    soundfile.write(file, make.music(5.5, rate=rate), rate, format="WAV", subtype="FLOAT")
    file.seek(0)
    decoded = decode(file)
    assert decoded.sample_rate_hz == rate
    found = embed(encoder, decoded.waveform).vector
    same = found @ embed(encoder, original).vector
    assert same > 0.99
    assert same > (others @ found).max()


def test_music_clipped_at_half_its_peak_is_nearer_to_itself_than_to_nearly_all_other_music(make, encoder):
    """Of no single pair is it promised: the weights are random."""
    music = [make.music(3.0, seed, hiss=0.003) for seed in range(8)]
    clipped = [sound.clip(-np.abs(sound).max() / 2, np.abs(sound).max() / 2) for sound in music]
    found = [embed(encoder, sound) for sound in clipped]
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([*map(vectors, found)]), axis=1), 1, atol=1e-5)
    near = np.array([each.vector for each in found]) @ np.array([embed(encoder, sound).vector for sound in music]).T
    others = near[~np.eye(8, dtype=bool)].reshape(8, 7)
    assert (np.diag(near)[:, None] > others).mean() > 0.9


def test_a_square_wave_of_full_scale_has_vectors_of_unit_length(encoder):
    time = np.arange(5 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    found = vectors(embed(encoder, np.sign(np.sin(2 * np.pi * 100 * time)).astype(np.float32)))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_segments_are_the_embeddings_of_their_steps(make, original):
    encoder = make.encoder()
    prepared = encoder.prepare(original)
    with torch.inference_mode():
        steps = encoder.encode(prepared.inputs).flatten(0, 1)
        steps = steps[steps[:, -1] > 0, :-1]
        edges = [*range(0, 3 * 551, 551), len(steps)]  # 16 elements of 5 samples a step: 551 in two seconds
        expected = torch.cat([encoder.embeddings(steps[start:end]) for start, end in pairwise(edges)])
    found = embed(encoder, original).segments
    np.testing.assert_allclose(found, torch.nn.functional.normalize(expected).numpy(), atol=1e-6)
