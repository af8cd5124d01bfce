"""KIM and CLMR: sizes of the papers, what they hear, and how tracks are cut into blocks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.baselines import clmr_inputs, kim_inputs
from models.baselines.block_encoder import mean_embedding
from models.baselines.blocks import Blocks
from models.baselines.clmr import ClmrEncoder
from models.baselines.clmr_network import BLOCK_SAMPLES, ClmrNetwork, ClmrSettings
from models.baselines.kim import KimEncoder
from models.baselines.kim_network import KimNetwork, KimSettings
from models.baselines.training.config import PRESETS, ClmrConfig, KimConfig, read_config
from models.baselines.training.export import unscaled
from models.baselines.training.objectives import Contrast, SameSong
from models.encoder import embed
from models.runs.band_statistics import band_statistics
from models.track_frames import SAMPLE_RATE_HZ, canonicalise

CPU = torch.device("cpu")


def parameters(*modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def tone(seconds=4.0, hertz=440.0):
    time = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def untrained(kind, settings, network):
    torch.manual_seed(0)
    state = network(settings).state_dict()
    tensors = {f"network.{name}": tensor for name, tensor in state.items() if tensor.is_floating_point()}
    return unscaled(kind, kind.described(settings, "1", {}), tensors, CPU)


def test_kim_has_the_papers_630_000_parameters_head_included():
    paper = read_config(KimConfig, "kim", "paper").encoder
    assert parameters(KimNetwork(paper), SameSong(paper.dimension, paper.dropout)) == 629_410
    assert KimNetwork(paper).eval()(torch.zeros(3, 216, 128)).shape == (3, 256)


def test_clmr_has_the_papers_1_660_000_parameters_projector_included():
    paper = read_config(ClmrConfig, "clmr", "paper").encoder
    assert parameters(ClmrNetwork(paper), Contrast(paper.dimension, 0.5)) == 1_662_464
    assert ClmrNetwork(paper).eval()(torch.zeros(2, BLOCK_SAMPLES)).shape == (2, 256)


def test_clmr_is_a_chain_of_one_dimensional_convolutions():
    torch.manual_seed(0)
    network = ClmrNetwork(ClmrSettings(channels=(3,) * 10, dimension=4)).eval()
    blocks = torch.randn(2, BLOCK_SAMPLES)
    values = blocks[:, None]
    layers = list(network.layers)
    for layer in layers:
        if isinstance(layer, torch.nn.Conv2d):
            weight = layer.weight[:, :, 0]
            values = torch.nn.functional.conv1d(values, weight, layer.bias, layer.stride[1], layer.padding[1])
        elif isinstance(layer, torch.nn.MaxPool2d):
            values = torch.nn.functional.max_pool1d(values, 3)
        else:
            values = layer(values[:, :, None])[:, :, 0]
    assert values.shape == (2, 4, 1)
    torch.testing.assert_close(network(blocks), values[:, :, 0])


def test_kim_hears_bands_in_standard_scores():
    torch.manual_seed(0)
    network = KimNetwork(KimSettings(dimension=8)).eval()
    blocks = 20 * torch.randn(4, 216, 128) - 30
    plain = network((blocks - blocks.mean((0, 1))) / blocks.std((0, 1), correction=0))
    network.standardise_by(*band_statistics(blocks))
    torch.testing.assert_close(network(blocks), plain, rtol=1e-4, atol=1e-5)


def test_band_statistics_are_those_of_all_frames_together():
    tracks = [torch.randn(count, 5) * 3 - 40 for count in (3, 50, 7)]
    mean, deviation = band_statistics(tracks)
    together = torch.cat(tracks).double()
    torch.testing.assert_close(mean, together.mean(0))
    torch.testing.assert_close(deviation, together.std(0, correction=0))


def test_a_band_that_never_varies_stays_finite():
    network = KimNetwork(KimSettings(dimension=8)).eval()
    network.standardise_by(*band_statistics([torch.full((30, 128), -60.0)]))
    assert network(torch.full((1, 216, 128), -10.0)).isfinite().all()


def test_the_mel_spectrogram_is_librosas_with_a_floor():
    import librosa

    noise = np.random.default_rng(0).normal(scale=0.1, size=4 * SAMPLE_RATE_HZ)
    canonical = canonicalise(tone() + noise.astype(np.float32))
    power = librosa.feature.melspectrogram(
        y=canonical, sr=SAMPLE_RATE_HZ, n_fft=1024, hop_length=256, n_mels=128, fmax=6_500
    )
    found = kim_inputs.mel_decibels(canonical)
    assert found.shape == (1 + len(canonical) // 256, 128)
    np.testing.assert_allclose(found.T[:, 4:-4], librosa.power_to_db(power, top_db=None)[:, 4:-4], atol=0.02)


def test_silence_is_at_the_floor_of_every_band():
    found = kim_inputs.mel_decibels(np.zeros(SAMPLE_RATE_HZ, np.float32))
    torch.testing.assert_close(found, kim_inputs.SPECTROGRAM.silence_decibels().expand(found.shape))
    assert not kim_inputs.audible(found[None]).any()
    assert kim_inputs.audible(kim_inputs.mel_decibels(1e-3 * tone())[None]).all()


def test_samples_60_db_below_the_level_are_silent():
    assert clmr_inputs.audible(torch.from_numpy(np.stack([tone(), 1e-4 * tone()]))).tolist() == [True, False]


@settings(deadline=None)
@given(st.integers(1, 3_000), st.integers(2, 200))
def test_blocks_lie_within_the_track_and_leave_out_less_than_the_least(rows, length):
    blocks = Blocks(length, 10, max(1, length // 3))
    starts = blocks.starts(rows)
    assert starts[0] == 0
    assert (starts.diff() > 0).all()
    assert (starts.diff() <= length).all()
    assert rows <= length or 0 <= rows - (starts[-1] + length) < blocks.least
    assert blocks.cut(torch.arange(rows), starts).shape == (len(starts), length)
    spans_s = blocks.spans_s(starts, 10 * rows, 1_000)
    assert spans_s[0, 0] == 0
    assert spans_s[-1, 1] == pytest.approx(rows / 100, rel=1e-5)
    assert (spans_s[1:, 0] <= spans_s[:-1, 1] + 1e-5).all()


def test_what_is_cut_is_what_was_there_and_a_short_track_is_filled_up():
    blocks = Blocks(4, 1, 2, torch.tensor([7.0, 8.0]))
    track = torch.arange(12.0).view(6, 2)
    assert torch.equal(blocks.cut(track, blocks.starts(6)), torch.stack([track[:4], track[2:]]))
    (short,) = blocks.cut(track[:3], blocks.starts(3))
    assert torch.equal(short, torch.cat([track[:3], torch.tensor([[7.0, 8.0]])]))


def test_a_tracks_embedding_is_the_mean_of_what_is_audible():
    embeddings = torch.tensor([[1.0, 0.0], [3.0, 2.0], [99.0, 99.0]])
    assert mean_embedding(embeddings, torch.tensor([1.0, 1.0, 0.0])).tolist() == [2, 1]
    assert mean_embedding(embeddings, torch.zeros(3)).tolist() == [0, 0]


def test_the_deviation_of_blocks_is_a_switch():
    plain, deviating = (
        untrained(KimEncoder, KimSettings(dimension=6, deviation=deviation), KimNetwork)
        for deviation in (False, True)
    )
    outputs = torch.cat([torch.ones(5, 1), torch.randn(5, 6)], 1).double()
    outputs[4, 0] = 0
    found = deviating.summary(outputs)
    torch.testing.assert_close(found[:6], plain.summary(outputs))
    torch.testing.assert_close(found[6:], outputs[:4, 1:].std(0, correction=0))
    assert deviating.manifest.dimension == 2 * plain.manifest.dimension == 12


@pytest.mark.parametrize(
    ("kind", "settings", "network"),
    [
        (KimEncoder, KimSettings(dimension=6), KimNetwork),
        (ClmrEncoder, ClmrSettings(channels=(2,) * 10, dimension=6), ClmrNetwork),
    ],
)
def test_silent_blocks_are_no_part_of_a_track(kind, settings, network):
    encoder = untrained(kind, settings, network)
    block_s = kind.blocks.length * kind.blocks.hop_samples / SAMPLE_RATE_HZ
    sound = tone(2 * block_s)
    with_pause = np.concatenate([sound, np.zeros_like(sound), np.zeros_like(sound)])
    alone, paused = embed(encoder, sound), embed(encoder, with_pause)
    assert alone.vector @ paused.vector > 0.99
    assert not paused.segments[-2:].any()


def test_every_preset_can_be_used():
    for encoder, kind in (("kim", KimConfig), ("clmr", ClmrConfig)):
        names = sorted(preset.stem for preset in (PRESETS / encoder).glob("*.toml"))
        assert names == ["paper", "small"]
        for name in names:
            assert isinstance(read_config(kind, encoder, name), kind)
