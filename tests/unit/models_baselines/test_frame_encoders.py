"""G1 and VQ: what their vectors are, exact however a track is cut, and artifacts that they do not take."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.artifact import Artifact, read_artifact
from models.audible_frames import from_segments, to_segments, track_frames
from models.baselines.codebook import LOG_FLOOR, Codebook, log_shares
from models.baselines.encoder import EncoderSettings, scale_tensors
from models.baselines.gaussian import GaussianEncoder, gaussian
from models.baselines.training.export import export, unscaled
from models.baselines.training.learn_codebook import learn_codebook, sampled_frames
from models.baselines.vq import VqEncoder, VqSettings
from models.encoder import Space, embed
from models.errors import ArtifactInvalid, ToolMissing
from models.song_frames import FEATURES, SAMPLE_RATE_HZ
from models.standardisation import Standardisation

CPU = torch.device("cpu")
WORDS = 6


def music(seconds=7.0, seed=0):
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    notes = 220 * 2 ** (generator.integers(0, 24, 64) / 12)
    phase = np.cumsum(notes[(time / 0.5).astype(int) % 64]) / SAMPLE_RATE_HZ
    sound = 0.3 * np.exp(-4 * (time % 0.5)) * np.sin(2 * np.pi * phase)
    return (sound + generator.normal(scale=0.01, size=len(time))).astype(np.float32)


def random_frames(count, seed=0):
    scales = torch.logspace(-2, 2, FEATURES)
    return scales * torch.randn(count, FEATURES, generator=torch.Generator().manual_seed(seed)) - 3 * scales


@pytest.fixture(scope="module")
def g1():
    """G1 whose vectors are not scaled."""
    return unscaled(GaussianEncoder, GaussianEncoder.described(EncoderSettings(), "1", {}), {}, CPU)


@pytest.fixture(scope="module")
def codebook():
    return learn_codebook(random_frames(300).numpy(), WORDS, 0)


@pytest.fixture(scope="module")
def vq_parts(codebook):
    """Manifest and tensors of VQ."""
    tensors = {f"codebook.{part}": getattr(codebook, part).float() for part in ("mean", "weight", "words")}
    return VqEncoder.described(VqSettings(codewords=WORDS), "1", {}), tensors


@pytest.fixture(scope="module")
def vq(vq_parts):
    return unscaled(VqEncoder, *vq_parts, CPU)


def summary(encoder, frames, audible):
    inputs = to_segments(frames, audible, 512 * len(frames)).inputs
    return encoder.summary(encoder.encode(inputs).double())


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(0, 2**31))
def test_frames_come_out_of_segments_as_they_went_in(count, seed):
    frames = random_frames(count, seed)
    audible = torch.rand(count, generator=torch.Generator().manual_seed(seed)) < 0.7
    found, heard = from_segments(to_segments(frames, audible, 512 * count).inputs)
    torch.testing.assert_close(found.flatten(0, 1)[:count], frames)
    assert heard.flatten().bool().tolist() == audible.tolist() + [False] * (heard.numel() - count)


@pytest.mark.parametrize("count", [1, 100, 129, 130, 1_000])
def test_g1_is_mean_and_deviation_of_the_audible_frames(g1, count):
    frames, audible = random_frames(count), torch.arange(count) % 3 < 2
    expected = gaussian(frames[audible].double())
    torch.testing.assert_close(summary(g1, frames, audible), expected, rtol=1e-5, atol=1e-5)


def test_the_gaussian_has_population_deviations():
    np.testing.assert_allclose(gaussian(torch.tensor([[1.0, 5.0], [3.0, 5.0]])), [2, 5, 1, 0])


def test_a_constant_feature_far_from_zero_has_no_deviation(g1):
    frames = torch.full((500, FEATURES), -812.3)
    found = summary(g1, frames, torch.ones(500))
    torch.testing.assert_close(found[:FEATURES], torch.full((FEATURES,), -812.3).double(), rtol=1e-6, atol=0)
    assert found[FEATURES:].max() < 1e-3


@pytest.mark.parametrize("count", [1, 100, 500])
def test_vq_is_the_logarithm_of_the_audible_frames_shares(vq, codebook, count):
    frames, audible = random_frames(count, 5), torch.arange(count) % 4 != 1
    scores = (frames.double() - codebook.mean) * codebook.weight
    nearest = torch.cdist(scores, codebook.words).argmin(1)[audible]
    shares = torch.bincount(nearest, minlength=WORDS) / audible.sum()
    torch.testing.assert_close(summary(vq, frames, audible), shares.double().clamp_min(LOG_FLOOR).log())


def test_log_shares_have_a_floor_and_those_of_nothing_are_finite():
    np.testing.assert_allclose(log_shares(torch.tensor([3.0, 1.0, 0.0])).exp(), [0.75, 0.25, LOG_FLOOR], rtol=1e-5)
    assert log_shares(torch.zeros(3)).isfinite().all()


def test_codewords_are_those_that_scikit_learn_assigns(codebook):
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.preprocessing import StandardScaler

    frames = random_frames(300).numpy()
    scaler = StandardScaler().fit(frames)
    clusters = MiniBatchKMeans(WORDS, random_state=0).fit(scaler.transform(frames))
    others = random_frames(200, 9).numpy()
    expected = clusters.cluster_centers_[clusters.predict(scaler.transform(others))]
    np.testing.assert_allclose(codebook.words[codebook.nearest(torch.from_numpy(others))], expected, atol=1e-4)


def test_a_feature_that_never_varies_is_no_matter():
    frames = random_frames(100)
    frames[:, 3] = 7.0
    codebook = learn_codebook(frames.numpy(), 4, 0)
    moved = frames.clone()
    moved[:, 3] = 1e6
    torch.testing.assert_close(codebook.nearest(frames), codebook.nearest(moved))


def test_there_are_no_more_codewords_than_frames():
    assert len(learn_codebook(random_frames(3).numpy(), 256, 0).words) == 3


def test_of_each_track_as_many_frames_are_drawn_at_most():
    tracks = [random_frames(count, count).numpy() for count in (5, 50, 20)]
    assert len(sampled_frames(tracks, 10, 0)) == 5 + 10 + 10
    np.testing.assert_array_equal(sampled_frames(tracks, 10, 0), sampled_frames(iter(tracks), 10, 0))


def test_without_scikit_learn_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.cluster", None)
    with pytest.raises(ToolMissing, match=r"soundkin\[evaluation\]"):
        learn_codebook(random_frames(9).numpy(), 2, 0)


@pytest.mark.parametrize("name", ["g1", "vq"])
def test_pauses_are_no_part_of_a_track_and_a_quieter_copy_is_the_same(name, request):
    encoder = request.getfixturevalue(name)
    sound = music(6.0)
    with_pause = np.concatenate([sound, np.zeros(20 * SAMPLE_RATE_HZ, np.float32)])
    one, paused, quiet = (embed(encoder, waveform) for waveform in (sound, with_pause, 0.1 * sound))
    assert one.vector @ paused.vector > 0.97  # frames beside the pause do change
    assert not paused.segments[-3:].any()
    assert one.vector @ quiet.vector > 0.999


def test_a_tracks_vector_is_the_summary_of_its_frames(g1):
    waveform = music()
    frames, audible = track_frames(waveform)
    expected = gaussian(frames[audible].double())
    np.testing.assert_allclose(embed(g1, waveform).vector, expected / expected.norm(), atol=1e-5)


def changed(manifest, **settings):
    return replace(manifest, settings={**manifest.settings, **settings})


DAMAGES = {
    "another version of the frames": (
        lambda m, t: (changed(m, inputs_version=99), t),
        "'vq' was trained on version 99 of its inputs",
    ),
    "another rate": (lambda m, t: (replace(m, sample_rate_hz=16_000), t), "at 16000 Hz; .* models train vq"),
    "settings that are none": (lambda m, t: (changed(m, encoder={"codewords": 1}), t), "describes no encoder 'vq'"),
    "no settings": (lambda m, t: (changed(m, encoder=None), t), "describes no encoder 'vq'"),
    "another space": (lambda m, t: (replace(m, spaces=(Space("key", WORDS),)), t), "the space 'sound' of 6"),
    "other sizes": (lambda m, t: (changed(m, encoder={"codewords": 9}), t), "the space 'sound' of 9"),
    "a missing tensor": (lambda m, t: (m, {**t, "codebook.words": t["codebook.mean"]}), "'codebook.words'"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_artifact_that_does_not_fit_is_refused_with_the_reason(vq_parts, damage):
    change, message = DAMAGES[damage]
    plain = Standardisation(np.zeros(WORDS), np.ones(WORDS))
    scale = scale_tensors("tracks", plain) | scale_tensors("segments", plain)
    manifest, tensors = change(*vq_parts)
    with pytest.raises(ArtifactInvalid, match=message):
        VqEncoder(Artifact(manifest, {**tensors, **scale}), CPU)


def test_an_artifact_without_its_scale_is_refused(vq_parts):
    with pytest.raises(ArtifactInvalid, match=r"lack the tensor 'tracks\.mean'"):
        VqEncoder(Artifact(*vq_parts), CPU)


def test_codewords_are_nearest_in_standardised_features():
    words = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).double()
    book = Codebook(torch.tensor([10.0, 0.0]).double(), torch.tensor([0.1, 1.0]).double(), words)
    assert book.nearest(torch.tensor([[10.0, 1.0], [20.0, 0.1], [12.0, 0.9]])).tolist() == [0, 1, 0]


def test_tracks_are_scored_among_tracks_and_segments_among_audible_segments(tmp_path):
    tracks = [random_frames(129 * (2 + seed), seed) + seed for seed in range(4)]
    quiet = torch.zeros(129, FEATURES)
    rows = [
        to_segments(torch.cat([frames, quiet]), torch.arange(len(frames) + 129) < len(frames), 1).inputs
        for frames in tracks
    ]
    folder = tmp_path / "g1"
    export(GaussianEncoder, EncoderSettings(), {}, rows, folder, version="1", training={}, device=CPU)
    found = read_artifact(folder).tensors
    whole = torch.stack([gaussian(frames) for frames in tracks])
    parts = torch.stack([gaussian(part) for frames in tracks for part in frames.split(129)])
    for kind, summaries in (("tracks", whole), ("segments", parts)):
        torch.testing.assert_close(found[f"{kind}.mean"], summaries.mean(0), rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(
            1 / found[f"{kind}.weight"], summaries.std(0, correction=0), rtol=1e-3, atol=1e-4
        )
