"""What every encoder promises, whatever it is made of. A new encoder joins by being registered and shipped.

Beside what is shipped stand small ones of several kinds, so that their code is held without trained artifacts.
"""

import numpy as np
import pytest
import torch

from models.artifact import read_artifact, write_artifact
from models.encoder import embed
from models.errors import WaveformTooShort
from models.registry import ENCODERS, artifact_folder, available_encoders, load_encoder

SECONDS = 24.0
SMALL = (
    "small_clmr",
    "small_csn",
    "small_g1",
    "small_hdpgmm",
    "small_kim",
    "small_lstm",
    "small_vq",
    "small_wavenet",
    "small_wavenet_mel",
)


@pytest.fixture(scope="module", params=[*available_encoders(), *SMALL])
def folder(request):
    """Of an artifact."""
    small = request.param.startswith("small_")
    return request.getfixturevalue(request.param) if small else artifact_folder(request.param)


@pytest.fixture(scope="module")
def encoder(folder):
    return load_encoder(folder.name, "cpu", [folder.parent])


@pytest.fixture(scope="module")
def sounds(encoder):
    """Waveforms of every unfriendly kind at the rate that the encoder wants."""
    rate = encoder.manifest.sample_rate_hz
    generator = np.random.default_rng(8)
    length = int(SECONDS * rate)
    time = np.arange(length) / rate
    clicks = np.zeros(length)
    clicks[:: rate // 2] = 0.9
    late = np.zeros(length)
    late[-rate:] = generator.normal(scale=0.1, size=rate)
    music = sum(np.sin(2 * np.pi * 220 * ratio * time) for ratio in (1, 1.25, 1.5)) * (1 - (2 * time % 1)) * 0.2
    sounds = {
        "silence": np.zeros(length),
        "noise": generator.normal(scale=0.1, size=length),
        "direct current": np.full(length, 0.5),
        "half a second": generator.normal(scale=0.1, size=rate // 2),
        "clicks": clicks,
        "one click": np.eye(1, length, length // 2)[0],
        "steady sine": 0.5 * np.sin(2 * np.pi * 440 * time),
        "full scale square": np.sign(np.sin(2 * np.pi * 100 * time)),
        "very quiet": generator.normal(scale=1e-6, size=length),
        "very loud": generator.normal(scale=500.0, size=length),
        "a sound after a long pause": late,
        "music": music,
    }
    return {name: sound.astype(np.float32) for name, sound in sounds.items()}


@pytest.fixture(scope="module")
def embeddings(encoder, sounds):
    return {name: embed(encoder, sound) for name, sound in sounds.items()}


def by_space(encoder, vectors):
    """(…, D) → one (…, d) array per space."""
    edges = np.cumsum([space.dimension for space in encoder.manifest.spaces])[:-1]
    return np.split(vectors, edges, axis=-1)


def every_vector(embedding):
    return np.concatenate([embedding.vector[None], embedding.segments])


def test_the_manifest_describes_the_encoder(encoder):
    manifest = encoder.manifest
    assert manifest.name in ENCODERS
    assert manifest.version
    assert len(manifest.digest) == 64
    assert len({space.name for space in manifest.spaces}) == len(manifest.spaces) > 0
    assert all(space.dimension > 0 and space.description for space in manifest.spaces)
    assert manifest.dimension == sum(space.dimension for space in manifest.spaces)


def test_every_tag_of_the_manifest_has_a_direction_in_its_space(encoder):
    dimensions = {space.name: space.dimension for space in encoder.manifest.spaces}
    assert {space: tags.names for space, tags in encoder.tags.items()} == dict(encoder.manifest.tags)
    for space, tags in encoder.tags.items():
        assert tags.directions.shape == (len(tags.names), dimensions[space])


def test_shapes_and_types(encoder, embeddings):
    for embedding in embeddings.values():
        segments = len(embedding.spans_s)
        assert segments >= 1
        assert embedding.vector.shape == (encoder.manifest.dimension,)
        assert embedding.segments.shape == (segments, encoder.manifest.dimension)
        assert embedding.spans_s.shape == (segments, 2)
        assert {embedding.vector.dtype, embedding.segments.dtype, embedding.spans_s.dtype} == {np.dtype("f4")}


def test_nothing_is_ever_nan(embeddings):
    for name, embedding in embeddings.items():
        assert np.isfinite(every_vector(embedding)).all(), name


def test_every_space_has_unit_length_or_is_zero(encoder, embeddings):
    for name, embedding in embeddings.items():
        for part in by_space(encoder, every_vector(embedding)):
            length = np.linalg.norm(part, axis=1)
            assert ((np.abs(length - 1) < 1e-5) | (length == 0)).all(), name


@pytest.mark.parametrize("name", ["silence", "direct current"])
def test_silence_is_zero_in_every_space(embeddings, name):
    assert not every_vector(embeddings[name]).any()


@pytest.mark.parametrize("name", ["music", "noise", "half a second"])
def test_sound_is_not_zero(encoder, embeddings, name):
    assert all(part.any() for part in by_space(encoder, embeddings[name].vector))


def test_segments_cover_the_track(encoder, sounds, embeddings):
    for name, embedding in embeddings.items():
        start, end = embedding.spans_s.T
        duration_s = len(sounds[name]) / encoder.manifest.sample_rate_hz
        assert start[0] == 0, name
        assert end[-1] == pytest.approx(duration_s, abs=1e-3), name
        assert (start < end).all(), name
        assert (start[1:] <= end[:-1]).all(), name
        assert (np.diff(start) > 0).all(), name


def test_the_same_waveform_gives_the_same_vectors(encoder, sounds, embeddings):
    again = embed(encoder, sounds["music"].copy())
    assert np.array_equal(every_vector(again), every_vector(embeddings["music"]))


def test_the_waveform_is_left_as_it_was(encoder, sounds):
    waveform = sounds["music"].copy()
    embed(encoder, waveform)
    assert np.array_equal(waveform, sounds["music"])


def test_a_read_only_waveform_is_taken(encoder, sounds, embeddings):
    waveform = sounds["music"].copy()
    waveform.flags.writeable = False
    assert np.array_equal(every_vector(embed(encoder, waveform)), every_vector(embeddings["music"]))


def test_the_company_in_a_batch_does_not_matter(encoder, sounds, embeddings):
    names = ["noise", "music", "silence", "half a second"]
    prepared = [encoder.prepare(sounds[name]) for name in names]
    with torch.inference_mode():
        outputs = encoder.encode(torch.cat([part.inputs for part in prepared]))
    rows = torch.split(outputs, [len(part.inputs) for part in prepared])
    for name, part, output in zip(names, prepared, rows, strict=True):
        together = encoder.pool(part, output)
        np.testing.assert_allclose(every_vector(together), every_vector(embeddings[name]), atol=1e-5)


def test_a_part_resembles_its_whole_more_than_anything_else(encoder, sounds, embeddings):
    rate = encoder.manifest.sample_rate_hz
    part = embed(encoder, sounds["music"][5 * rate : 17 * rate]).vector
    similarity = {name: float(part @ embedding.vector) for name, embedding in embeddings.items()}
    assert max(similarity, key=similarity.__getitem__) == "music"


def test_what_is_shorter_than_it_can_use_is_refused(encoder):
    with pytest.raises(WaveformTooShort, match=r"needs at least"):
        encoder.prepare(np.zeros(16, np.float32))


def test_saved_and_loaded_it_is_the_same_encoder(encoder, folder, sounds, embeddings, tmp_path):
    artifact = read_artifact(folder)
    written = write_artifact(tmp_path / encoder.manifest.name, artifact.manifest, artifact.tensors)
    again = load_encoder(encoder.manifest.name, "cpu", [tmp_path])
    assert written == again.manifest == encoder.manifest
    assert np.array_equal(every_vector(embed(again, sounds["music"])), every_vector(embeddings["music"]))
