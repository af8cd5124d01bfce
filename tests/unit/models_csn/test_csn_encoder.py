"""The artifact of a run, and the encoder that the service makes of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from models.artifact import Artifact, read_artifact, write_artifact
from models.csn.encoder import MIN_SAMPLES, PREFIX, CsnEncoder
from models.csn.inputs import SAMPLE_RATE_HZ, VERSION
from models.csn.track_features import cut, segment_starts, waveform_to_features
from models.csn.training.export import export
from models.csn.training.trainer import Trainer
from models.csn.training.validation import track_embeddings
from models.encoder import Space, embed
from models.errors import ArtifactInvalid, TrainingInterrupted, WaveformTooShort
from models.evaluate.systems.lookup import make_system
from models.registry import load_encoder

CPU = torch.device("cpu")
SPACES = ("genre", "mood", "key")


def music(seconds=11.0, seed=0):
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    beat = time % generator.uniform(0.3, 0.7)
    notes = 220 * 2 ** (generator.integers(0, 24, 64) / 12)
    phase = np.cumsum(notes[(time / 0.5).astype(int) % 64]) / SAMPLE_RATE_HZ
    sound = 0.3 * np.exp(-4 * beat) * np.sin(2 * np.pi * phase) + generator.normal(scale=0.01, size=len(time))
    return sound.astype(np.float32)


@pytest.fixture(scope="module")
def run(make, tmp_path_factory):
    """A run of some batches, exported: trainer, material and the folder of the artifact."""
    folder = tmp_path_factory.mktemp("run")
    config = make.config(
        network={"spaces": SPACES, "joint_blocks": 1, "space_dimension": 6, "width": 0.05},
        objective={"tags": 1.0},
        optimiser={"learning_rate": 0.01, "warm_up": 0, "precision": "float32"},
        batch={"tracks": 8, "segments": 1, "per_epoch": 10},
        validation_segments=2,
    )
    material = make.material(folder / "cache", config, 24, 40)
    trainer = Trainer(config, material, folder, CPU)
    trainer.train_epoch(lambda *_: None)
    manifest = export(trainer, material, config, folder / "csn", version="7", command="train it")
    return trainer, material, folder / "csn", manifest


@pytest.fixture(scope="module")
def encoder(run):
    return load_encoder("csn", "cpu", [run[2].parent])


@pytest.fixture(scope="module")
def artifact(run):
    return read_artifact(run[2])


@pytest.fixture(scope="module")
def waveform():
    return music()


def vectors(embedding):
    return np.concatenate([embedding.vector[None], embedding.segments])


def by_space(rows):
    return np.split(rows, len(SPACES), axis=-1)


def test_the_manifest_says_what_it_is_and_where_it_comes_from(run, artifact):
    trainer, material, _, manifest = run
    assert artifact.manifest == manifest
    assert (manifest.name, manifest.version, manifest.sample_rate_hz) == ("csn", "7", SAMPLE_RATE_HZ)
    assert [(space.name, space.dimension) for space in manifest.spaces] == [(name, 6) for name in SPACES]
    assert manifest.settings["inputs_version"] == VERSION
    training = manifest.training
    assert (training["command"], training["epoch"]) == ("train it", 1)
    assert training["data"]["made up"]["train"] == len(material.train)
    assert training["config"]["objective"]["tags"] == 1.0
    measured = training["validation triplet accuracy"]
    assert measured == pytest.approx(trainer.judge(), abs=1e-4)


def test_no_path_of_this_machine_is_in_the_manifest(run):
    folder = run[2]
    assert str(folder.parent) not in (folder / "manifest.json").read_text()


def test_weights_are_kept_in_half_precision_and_counters_are_not(artifact):
    network = {name: tensor for name, tensor in artifact.tensors.items() if name.startswith(PREFIX)}
    assert {tensor.dtype for tensor in network.values()} == {torch.float16}
    assert not any("num_batches" in name for name in network)


def test_two_loads_of_an_artifact_give_the_same_bits(run, encoder, waveform):
    again = load_encoder("csn", "cpu", [run[2].parent])
    assert np.array_equal(vectors(embed(again, waveform)), vectors(embed(encoder, waveform)))


def test_written_again_it_is_the_same_encoder(artifact, encoder, waveform, tmp_path):
    write_artifact(tmp_path / "csn", artifact.manifest, artifact.tensors)
    again = load_encoder("csn", "cpu", [tmp_path])
    assert again.manifest == encoder.manifest
    assert np.array_equal(vectors(embed(again, waveform)), vectors(embed(encoder, waveform)))


def test_the_encoder_gives_what_the_trained_network_gives(run, encoder, waveform):
    trainer = run[0]
    features = waveform_to_features(waveform)
    segments = cut(features, segment_starts(len(features)), trainer.config.network)
    expected = trainer.embed(segments).numpy()
    found = embed(encoder, waveform)
    for ours, theirs in zip(by_space(found.segments), by_space(expected), strict=True):
        cosines = (ours * theirs).sum(1) / np.linalg.norm(theirs, axis=1)
        assert cosines.min() > 1 - 1e-3
    for ours, theirs in zip(by_space(found.vector), by_space(expected.mean(0)), strict=True):
        assert ours @ theirs / np.linalg.norm(theirs) > 1 - 1e-3


def test_it_is_found_by_the_evaluation(run, waveform):
    system = make_system(f"csn@{run[2]}", device="cpu")
    assert system.name == f"csn@{run[2]}"


def test_tags_point_to_the_tracks_that_carry_them(run, encoder):
    trainer, material, *_ = run
    parts = trainer.config.network.slices()
    embeddings = track_embeddings(material.validation, material.cache, trainer.config, trainer.embed)
    assert {"genre", "mood"} <= encoder.tags.keys()
    for space in ("genre", "mood"):
        tags = encoder.tags[space]
        assert tags.names == encoder.manifest.tags[space]
        unit = embeddings[:, parts[space]] / np.linalg.norm(embeddings[:, parts[space]], axis=1, keepdims=True)
        for name, direction in zip(tags.names, tags.directions, strict=True):
            has = material.validation.tags[space][:, material.train.vocabulary[space].index(name)]
            assert (unit[has] @ direction).mean() > (unit[~has] @ direction).mean() + 0.05, name


def test_without_its_best_checkpoint_nothing_is_exported(make, tmp_path):
    config = make.config(network={"inputs": "single"})
    material = make.material(tmp_path / "cache", config)
    trainer = Trainer(config, material, tmp_path / "run", CPU)
    with pytest.raises(TrainingInterrupted, match=r"best\.pt cannot be read"):
        export(trainer, material, config, tmp_path / "csn", version="1", command="")
    assert not (tmp_path / "csn").exists()


def network_of(artifact, **changes):
    return {**artifact.manifest.settings, "network": {**artifact.manifest.settings["network"], **changes}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: {"settings": {**a.manifest.settings, "inputs_version": VERSION + 1}}, "version 2 of the inputs"),
        (lambda _: {"settings": {}}, "version None of the inputs.*Train it anew"),
        (lambda _: {"sample_rate_hz": 16_000}, "at 16000 Hz; this is version 1 at 22050 Hz"),
        (lambda _: {"settings": {"inputs_version": VERSION}}, "describes no network"),
        (lambda a: {"settings": network_of(a, columns=33)}, "describes no network: .*columns"),
        (lambda a: {"settings": network_of(a, depth=3)}, "describes no network: .*depth"),
        (lambda a: {"spaces": a.manifest.spaces[::-1]}, "spaces of encoder 'csn' are not those of its network"),
        (lambda a: {"spaces": a.manifest.spaces[:2]}, "are not those of its network"),
        (lambda a: {"spaces": tuple(replace(s, dimension=7) for s in a.manifest.spaces)}, "are not those of its"),
        (lambda a: {"settings": network_of(a, width=0.2)}, "has the shape"),
        (lambda a: {"settings": network_of(a, joint_blocks=2)}, "lack the tensor|has the shape"),
        (lambda a: {"spaces": (*a.manifest.spaces, Space("era", 6))}, "are not those of its network"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_with_the_reason(artifact, change, message):
    changed = Artifact(replace(artifact.manifest, **change(artifact)), artifact.tensors)
    with pytest.raises(ArtifactInvalid, match=f"(?s){message}"):
        CsnEncoder(changed, CPU)


def test_a_tensor_that_is_missing_is_named(artifact):
    for name in ("network.head.weight", "network.branches.cens.1.1.0.1.running_var", "tags.genre.scale"):
        tensors = {key: tensor for key, tensor in artifact.tensors.items() if key != name}
        with pytest.raises(ArtifactInvalid, match=f"lack the tensor '{name}'"):
            CsnEncoder(Artifact(artifact.manifest, tensors), CPU)


@pytest.mark.parametrize("waveform", [np.zeros(90_000), np.full(90_000, 0.7), np.full(90_000, -1e-6)])
def test_silence_is_zero_in_every_space(encoder, waveform):
    found = embed(encoder, waveform.astype(np.float32))
    assert not vectors(found).any()
    assert len(found.segments) == len(found.spans_s) > 0


def test_a_silent_segment_is_zero_and_does_not_count_for_the_track(encoder, waveform):
    pause = np.concatenate([waveform, np.zeros(10 * SAMPLE_RATE_HZ, np.float32)])
    found = embed(encoder, pause)
    silent = found.spans_s[:, 0] > 11.5
    assert silent.sum() >= 2
    assert not found.segments[silent].any()
    assert found.segments[~silent].any(1).all()
    loud = encoder.prepare(pause)
    with torch.inference_mode():
        outputs = encoder.encode(loud.inputs)[~silent]
    for part, expected in zip(by_space(found.vector), by_space(outputs.mean(0).numpy()), strict=True):
        np.testing.assert_allclose(part, expected / np.linalg.norm(expected), atol=1e-5)


@pytest.mark.parametrize("samples", [1, 2, 512, MIN_SAMPLES - 1])
def test_less_than_half_a_second_is_refused(encoder, samples):
    with pytest.raises(WaveformTooShort, match=r"encoder 'csn' needs at least 0\.500 s"):
        encoder.prepare(np.ones(samples, np.float32))


def test_half_a_second_is_enough(encoder, waveform):
    found = embed(encoder, waveform[:MIN_SAMPLES])
    assert found.spans_s.tolist() == [[0.0, 0.5]]
    assert all(np.linalg.norm(part) == pytest.approx(1, abs=1e-5) for part in by_space(found.vector))


@st.composite
def odd_waveforms(draw):
    """Silence, clicks, steps, overload, offsets and noise of any level, and of any length."""
    length = draw(st.integers(MIN_SAMPLES, 90_000))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    kinds = {
        "noise": lambda: generator.normal(size=length),
        "click": lambda: np.eye(1, length, generator.integers(length))[0],
        "step": lambda: (np.arange(length) > generator.integers(length)).astype(float),
        "ramp": lambda: np.linspace(-1, 1, length),
        "square": lambda: np.sign(np.sin(np.arange(length) * generator.uniform(0.001, 3))),
        "alternating": lambda: (-1.0) ** np.arange(length),
        "rare": lambda: generator.normal(size=length) * (generator.random(length) < 1e-3),
    }
    sound = kinds[draw(st.sampled_from(sorted(kinds)))]() + draw(st.sampled_from([0.0, 0.0, 0.5, -100.0]))
    return (sound * 10.0 ** draw(st.integers(-9, 6))).astype(np.float32)


@runs(max_examples=15)
@given(odd_waveforms())
def test_no_waveform_gives_anything_but_unit_vectors_or_zero(encoder, odd):
    found = embed(encoder, odd)
    for part in by_space(vectors(found)):
        lengths = np.linalg.norm(part, axis=1)
        assert ((np.abs(lengths - 1) < 1e-4) | (lengths == 0)).all()


def test_rows_in_chunks_and_in_company_give_what_they_give_at_once(encoder, waveform):
    prepared = encoder.prepare(waveform)
    other = encoder.prepare(music(5.0, seed=1))
    with torch.inference_mode():
        whole = encoder.encode(prepared.inputs)
        chunks = torch.cat([encoder.encode(chunk) for chunk in torch.split(prepared.inputs, 1)])
        mixed = encoder.encode(torch.cat([other.inputs, prepared.inputs]))[len(other.inputs) :]
    assert len(whole) == len(prepared.spans_s) == 4
    torch.testing.assert_close(chunks, whole, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(mixed, whole, atol=1e-4, rtol=1e-4)


@runs(max_examples=12)
@given(st.integers(MIN_SAMPLES, 14 * SAMPLE_RATE_HZ))
def test_segments_cover_the_track_from_end_to_end(encoder, samples):
    spans_s = encoder.prepare(np.zeros(samples, np.float32)).spans_s
    start, end = spans_s.T
    assert spans_s.dtype == np.float32
    assert start[0] == 0
    assert end[-1] == pytest.approx(samples / SAMPLE_RATE_HZ, abs=1e-4)
    assert (start < end).all()
    assert (start[1:] <= end[:-1]).all()
    assert (np.diff(start) > 0).all()


def test_an_encoder_of_the_mel_spectrogram_alone_runs_too(make, tmp_path, waveform, artifact):
    config = make.config(
        network={"inputs": "single", "spaces": ["genre", "mood"], "joint_blocks": 1},
        batch={"tracks": 4, "segments": 1, "per_epoch": 1},
    )
    material = make.material(tmp_path / "cache", config)
    trainer = Trainer(config, material, tmp_path / "run", CPU)
    trainer.train_epoch(lambda *_: None)
    export(trainer, material, config, tmp_path / "csn", version="1", command="")
    found = embed(load_encoder("csn", "cpu", [tmp_path]), waveform)
    assert found.vector.shape == (16,)
    assert np.isfinite(vectors(found)).all()
