"""The encoder: what its vectors are, and artifacts that it does not take."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.artifact import Artifact
from models.audible_frames import track_frames
from models.component_meaning import ComponentMeaning
from models.encoder import EncoderManifest, Space, embed
from models.errors import ArtifactInvalid
from models.hdpgmm.certainty import CertaintySettings
from models.hdpgmm.encoder import COMPONENTS, DESCRIPTION, NAME, SPACE, HdpgmmEncoder, settings_statement
from models.hdpgmm.online import OnlineMixture, OnlineSettings
from models.hdpgmm.quadratic import pack
from models.hdpgmm.settings import MixtureSettings
from models.hdpgmm.tensors import mixture_tensors, posterior_of
from models.hdpgmm.whitening import fit_whitening
from models.song_frames import FEATURES, SAMPLE_RATE_HZ

CPU = torch.device("cpu")
HEARD = 5


def music(seconds=7.0, seed=0):
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    notes = 220 * 2 ** (generator.integers(0, 24, 64) / 12)
    phase = np.cumsum(notes[(time / 0.5).astype(int) % 64]) / SAMPLE_RATE_HZ
    sound = 0.3 * np.exp(-4 * (time % 0.5)) * np.sin(2 * np.pi * phase) + generator.normal(
        scale=0.01, size=len(time)
    )
    return sound.astype(np.float32)


@pytest.fixture(scope="module")
def artifact():
    """A mixture of the frames of some music."""
    frames = track_frames(music(20.0, 1))[0]
    whitening = fit_whitening([frames])
    mixture = OnlineMixture(MixtureSettings(components=HEARD, sticks=3), OnlineSettings(splash=0), FEATURES)
    white = whitening.apply(frames)
    mixture.begin(white, torch.randint(HEARD, (len(white),), generator=torch.Generator().manual_seed(0)))
    for _ in range(5):
        mixture.update([white], 1, torch.Generator())
    manifest = EncoderManifest(
        name=NAME,
        version="1",
        digest="0" * 64,
        spaces=(Space(SPACE, HEARD, DESCRIPTION),),
        sample_rate_hz=SAMPLE_RATE_HZ,
        settings=settings_statement(mixture.settings, CertaintySettings(familiar_above=-150.0, independent_s=2.0)),
        training={COMPONENTS: [{"share": 0.2, "tags": [["calm", 2.0]]} for _ in range(HEARD)]},
    )
    tensors = mixture_tensors(mixture.posterior, whitening)
    return Artifact(manifest, {name: tensor.float() for name, tensor in tensors.items()})


def test_a_vector_is_the_root_of_the_components_shares_of_the_track(artifact):
    waveform = music()
    found = embed(HdpgmmEncoder(artifact, CPU), waveform)
    frames, audible = track_frames(waveform)
    white = (frames.double() - artifact.tensors["whitening.mean"]) @ artifact.tensors["whitening.matrix"].double()
    logs = pack(white) @ posterior_of(artifact.tensors).components.expected_log_likelihood
    shares = torch.softmax(logs, 1)[audible].mean(0)
    np.testing.assert_allclose(found.vector**2, shares.numpy(), atol=1e-4)
    assert found.vector @ found.vector == pytest.approx(1, abs=1e-5)


def test_two_tracks_are_as_alike_as_their_shares_overlap(artifact):
    encoder = HdpgmmEncoder(artifact, CPU)
    one, other = (embed(encoder, music(seed=seed)).vector for seed in (0, 1))
    assert one @ other == pytest.approx(np.sqrt(one**2 * other**2).sum(), abs=1e-6)
    assert 0 < one @ other <= 1


def test_pauses_are_no_part_of_a_track(artifact):
    encoder = HdpgmmEncoder(artifact, CPU)
    sound = music(6.0)
    with_pause = np.concatenate([sound, np.zeros(20 * SAMPLE_RATE_HZ, np.float32)])
    one, other = embed(encoder, sound), embed(encoder, with_pause)
    assert one.vector @ other.vector > 0.97  # frames beside the pause do change
    assert not other.segments[-3:].any()


def test_a_quieter_copy_is_the_same_track(artifact):
    encoder = HdpgmmEncoder(artifact, CPU)
    one, other = (embed(encoder, factor * music()).vector for factor in (1.0, 0.1))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_a_longer_track_is_surer(artifact):
    encoder = HdpgmmEncoder(artifact, CPU)
    short, long = (embed(encoder, music(seconds)).certainty for seconds in (3.0, 30.0))
    assert 0 < short < long < 1


def test_sound_unlike_all_that_was_learnt_is_less_sure(artifact):
    encoder = HdpgmmEncoder(artifact, CPU)
    clicks = np.zeros(7 * SAMPLE_RATE_HZ, np.float32)
    clicks[:: SAMPLE_RATE_HZ // 10] = 0.9
    assert embed(encoder, clicks).certainty < 0.5 * embed(encoder, music(7.0)).certainty


def test_silence_is_not_sure_at_all(artifact):
    assert embed(HdpgmmEncoder(artifact, CPU), np.zeros(5 * SAMPLE_RATE_HZ, np.float32)).certainty == 0


def test_every_component_says_what_it_means(artifact):
    encoder = HdpgmmEncoder(artifact, CPU)
    assert encoder.components == {SPACE: (ComponentMeaning(0.2, (("calm", 2.0),)),) * HEARD}


def broken_scatter(tensors):
    return {**tensors, "components.scatter": -tensors["components.scatter"]}


DAMAGES = {
    "another version of the frames": (
        lambda a: replace(a, manifest=replace(a.manifest, settings={**a.manifest.settings, "frames_version": 99})),
        "trained on version 99 of the frames",
    ),
    "another rate": (
        lambda a: replace(a, manifest=replace(a.manifest, sample_rate_hz=16_000)),
        "at 16000 Hz",
    ),
    "no mixture": (
        lambda a: replace(
            a, manifest=replace(a.manifest, settings={"frames_version": 1, "mixture": {"sticks": 0}})
        ),
        "describes no mixture",
    ),
    "no certainty": (
        lambda a: replace(
            a, manifest=replace(a.manifest, settings={k: v for k, v in a.manifest.settings.items() if k[0] != "c"})
        ),
        "Train it anew",
    ),
    "components of which it says nothing": (
        lambda a: replace(a, manifest=replace(a.manifest, training={})),
        "says nothing of its components",
    ),
    "components of which it says too little": (
        lambda a: replace(a, manifest=replace(a.manifest, training={COMPONENTS: [{"share": 1, "tags": []}]})),
        "describes 1 of its 5 components",
    ),
    "other spaces": (
        lambda a: replace(a, manifest=replace(a.manifest, spaces=(Space(SPACE, 4),))),
        "are not those of its mixture",
    ),
    "a missing tensor": (
        lambda a: replace(a, tensors={name: t for name, t in a.tensors.items() if name != "sticks.a"}),
        "lack the tensor 'sticks.a'",
    ),
    "a scatter that is none": (lambda a: replace(a, tensors=broken_scatter(a.tensors)), "not positive definite"),
    "numbers that are none": (
        lambda a: replace(a, tensors={**a.tensors, "components.mean": a.tensors["components.mean"] * torch.nan}),
        "not finite",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_artifact_that_does_not_fit_is_refused_with_the_reason(artifact, damage):
    change, message = DAMAGES[damage]
    with pytest.raises(ArtifactInvalid, match=message):
        HdpgmmEncoder(change(artifact), CPU)
