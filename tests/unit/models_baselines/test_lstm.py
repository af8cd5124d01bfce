"""The LSTM: causal, deaf to what was filled in, and what is kept of a track."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.baselines.lstm import LstmEncoder
from models.baselines.lstm_inputs import SECTION_FRAMES, audible_frames, from_sections, spans_s, to_sections
from models.baselines.lstm_network import LstmNetwork, LstmSettings
from models.baselines.training.export import unscaled
from models.encoder import embed
from models.track_frames import HOP_SAMPLES, SAMPLE_RATE_HZ

CPU = torch.device("cpu")
HIDDEN = 5


def chroma(frames, seed=0):
    """Of each frame the largest is 1."""
    found = torch.rand(frames, 12, generator=torch.Generator().manual_seed(seed))
    return found / found.amax(1, keepdim=True)


def music(seconds, seed=0):
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    notes = 220 * 2 ** (generator.integers(0, 24, 256) / 12)
    phase = np.cumsum(notes[(time / 0.5).astype(int) % 256]) / SAMPLE_RATE_HZ
    return (0.3 * np.exp(-4 * (time % 0.5)) * np.sin(2 * np.pi * phase)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return LstmNetwork(LstmSettings(hidden=HIDDEN, dropout=0.5)).eval()


def encoder(network, **changes):
    """One whose vectors are not scaled."""
    chosen = LstmSettings(hidden=HIDDEN, **changes)
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    return unscaled(LstmEncoder, LstmEncoder.described(chosen, "1", {}), tensors, CPU)


def test_it_has_74_000_parameters():
    assert sum(parameter.numel() for parameter in LstmNetwork(LstmSettings()).parameters()) == 74_252


@pytest.mark.parametrize("changed", [1, 17, 39])
def test_a_later_frame_changes_no_earlier_guess(network, changed):
    frames = chroma(40)[None]
    others = frames.clone()
    others[:, changed] = torch.rand(12)
    ours, theirs = network(frames)[0], network(others)[0]
    torch.testing.assert_close(ours[:changed], theirs[:changed], rtol=0, atol=0)
    assert not torch.equal(ours[changed], theirs[changed])


def test_the_states_and_the_mean_output_are_those_of_a_loop_over_frames(network):
    frames, count = chroma(30), 23
    cell = hidden = torch.zeros(1, HIDDEN)
    loop = torch.nn.LSTMCell(12, HIDDEN)
    loop.load_state_dict({name[:-3]: tensor for name, tensor in network.recurrence.state_dict().items()})
    outputs = []
    for frame in frames[:count]:
        hidden, cell = loop(frame[None], (hidden, cell))
        outputs.append(network.output(hidden)[0])
    states, mean = network.memory(frames[None], torch.tensor([count]))
    torch.testing.assert_close(states, torch.cat([cell, hidden], 1))
    torch.testing.assert_close(mean[0], torch.stack(outputs).mean(0))


def test_what_is_filled_in_and_the_company_do_not_change_what_is_kept(network):
    frames, counts = torch.stack([chroma(50, seed) for seed in range(3)]), torch.tensor([50, 1, 20])
    together = network.memory(frames, counts)
    for row, count in enumerate(counts):
        alone = network.memory(frames[row : row + 1, :count], counts[row : row + 1])
        for ours, theirs in zip(together, alone, strict=True):
            torch.testing.assert_close(ours[row], theirs[0])


@settings(deadline=None)
@given(st.integers(1, 3_500))
def test_sections_hold_the_frames_in_their_order_and_say_how_many(count):
    found = chroma(count)
    frames, counts = from_sections(to_sections(found))
    assert frames.shape == (-(-count // SECTION_FRAMES), SECTION_FRAMES, 12)
    assert int(counts.sum()) == count
    assert (counts[:-1] == SECTION_FRAMES).all()
    assert torch.equal(frames.flatten(0, 1)[:count], found)
    assert not frames.flatten(0, 1)[count:].any()


@given(st.integers(SAMPLE_RATE_HZ // 2, 10 * SECTION_FRAMES * HOP_SAMPLES))
def test_spans_cover_the_track(samples):
    frames = -(-samples // HOP_SAMPLES)
    spans = spans_s(-(-frames // SECTION_FRAMES), samples)
    assert spans[0, 0] == 0
    assert spans[-1, 1] == pytest.approx(samples / SAMPLE_RATE_HZ)
    assert (spans[:, 0] < spans[:, 1]).all()
    assert (spans[1:, 0] == spans[:-1, 1]).all()


def test_only_frames_above_the_floor_are_audible():
    frames = torch.stack([chroma(5), 0.5 * chroma(5)])
    frames[0, 3:] = 0
    assert audible_frames(frames).tolist() == [3, 0]


@pytest.mark.parametrize("reduce", ["mean", "max", "last"])
@pytest.mark.parametrize(("keep", "dimension"), [("states", 10), ("outputs", 12), ("both", 22)])
def test_every_way_to_reduce_and_to_keep_has_its_dimension_and_is_finite(network, reduce, keep, dimension):
    made = encoder(network, reduce=reduce, keep=keep)
    assert made.manifest.dimension == dimension
    for waveform in (music(30.0), music(0.5), np.zeros(SAMPLE_RATE_HZ, np.float32)):
        found = embed(made, waveform)
        assert found.vector.shape == (dimension,)
        assert np.isfinite(found.vector).all()
        assert np.isfinite(found.segments).all()
        assert np.linalg.norm(found.vector) == pytest.approx(float(waveform.any()))


def test_states_and_outputs_stand_side_by_side(network):
    sections = to_sections(chroma(1_500))
    states, outputs, both = (
        encoder(network, keep=keep).encode(sections)[:, 1:] for keep in ("states", "outputs", "both")
    )
    assert torch.equal(both, torch.cat([states, outputs], 1))


def test_sections_become_one_by_their_audible_frames_by_the_largest_or_by_the_last(network):
    outputs = torch.tensor([[300.0, 1.0, 9.0], [100.0, 5.0, 1.0], [0.0, 99.0, 99.0]]).double()
    expected = {"mean": [2, 7], "max": [5, 9], "last": [5, 1]}
    assert {reduce: encoder(network, reduce=reduce).summary(outputs).tolist() for reduce in expected} == expected


def test_silent_sections_are_no_part_of_a_track(network):
    made = encoder(network)
    section = np.zeros(SECTION_FRAMES * HOP_SAMPLES, np.float32)
    sound = music(SECTION_FRAMES * HOP_SAMPLES / SAMPLE_RATE_HZ)
    alone, paused = embed(made, sound), embed(made, np.concatenate([sound, section, section]))
    assert alone.vector @ paused.vector > 0.999
    assert not paused.segments[-1].any()
