"""The network of paper 004: its layers by the formula, causal, with skips pooled as often as stacks end."""

import pytest
import torch

from models.wavenet.layer import WavenetLayer
from models.wavenet.network import WavenetEnd, WavenetNetwork, WavenetStacks
from models.wavenet.settings import WavenetSettings
from models.wavenet.training.predictor import Predictor
from models.wavenet.windows import reach


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def layer_of(settings, dilation, *, last=False):
    torch.manual_seed(3)
    return WavenetLayer(settings, dilation, last=last).double()


# A layer by the formula.


def filtered(signal, weight, bias, dilation, padding):
    """(C, L) → (C', L), W ∗ x by loops: the last tap stands at the element itself, or the taps around it."""
    taps, length = weight.shape[2], signal.shape[1]
    behind = 0 if padding == "causal" else (taps - 1) * dilation // 2
    found = bias[:, None].repeat(1, length)
    for place in range(length):
        for tap in range(taps):
            heard = place + behind - (taps - 1 - tap) * dilation
            if 0 <= heard < length:
                found[:, place] += weight[:, :, tap] @ signal[:, heard]
    return found


@pytest.mark.parametrize("padding", ["causal", "centred"])
@pytest.mark.parametrize("taps", [2, 4])
@pytest.mark.parametrize("dilation", [1, 4])
@pytest.mark.parametrize("last", [False, True])
def test_a_layer_is_its_formula_with_a_filter_for_values_and_one_for_gates(make, padding, taps, dilation, last):
    settings = make.settings(filter=taps, padding=padding)
    layer = layer_of(settings, dilation, last=last)
    signal, channels, skips = drawn(1, settings.channels, 1, 19), settings.channels, settings.skip_channels
    weight, bias = layer.gated.convolution.weight[:, :, 0], layer.gated.convolution.bias
    values = filtered(signal[0, :, 0], weight[:channels], bias[:channels], dilation, padding)
    gates = filtered(signal[0, :, 0], weight[channels:], bias[channels:], dilation, padding)
    outputs = layer.outputs.weight[:, :, 0, 0] @ (torch.tanh(values) * torch.sigmoid(gates))
    outputs += layer.outputs.bias[:, None]
    skip, following = layer(signal)
    torch.testing.assert_close(skip[0, :, 0], outputs[:skips])
    expected = signal[0, :, 0] if last else signal[0, :, 0] + outputs[skips:]
    torch.testing.assert_close(following[0, :, 0], expected)


# Who hears what.


def changed_at(signal, place, by=5.0):
    """(B, L, W) with another element."""
    other = signal.clone()
    other[:, place] += by
    return other


def first_difference(one, other):
    """Along the second axis; its length where there is none."""
    differs = (one != other).flatten(2).any(2).any(0)
    return int(differs.nonzero()[0]) if differs.any() else len(differs)


@pytest.mark.parametrize("place", [1, 20, 37])
@pytest.mark.parametrize(("taps", "dilation"), [(2, 1), (4, 4)])
def test_a_later_element_changes_nothing_earlier_of_a_causal_layer(make, place, taps, dilation):
    layer = layer_of(make.settings(filter=taps), dilation)
    signal = drawn(2, 40, 6)
    outputs = [layer(each.transpose(1, 2)[:, :, None]) for each in (signal, changed_at(signal, place))]
    for ours, theirs in zip(*outputs, strict=True):
        assert first_difference(ours[:, :, 0].transpose(1, 2), theirs[:, :, 0].transpose(1, 2)) == place


@pytest.mark.parametrize("place", [1, 20, 63])
def test_a_later_element_changes_nothing_earlier_of_stacks_without_poolings(make, place):
    stacks = make.network(filter=4, dilation_growth=4).stacks
    signal = drawn(2, 64, 1)
    ours, theirs = (
        stacks.unpooled(stacks.standardised(each))[:, :, 0].transpose(1, 2)
        for each in (signal, changed_at(signal, place))
    )
    assert first_difference(ours, theirs) == place


@pytest.mark.parametrize("signal", ["samples", "mel"])
@pytest.mark.parametrize("place", [1, 20, 62])
def test_a_later_element_changes_no_earlier_prediction(make, signal, place):
    torch.manual_seed(0)
    predictor = Predictor(make.settings(signal=signal))
    heard = drawn(2, 64, predictor.stacks.mean.numel()).float()
    for ours, theirs in zip(predictor(heard), predictor(changed_at(heard, place)), strict=True):
        assert first_difference(ours, theirs) == place


@pytest.mark.parametrize("pooling", ["max", "mean"])
@pytest.mark.parametrize("place", [16, 31, 32, 100])
def test_a_later_element_changes_no_earlier_step(make, pooling, place):
    network = make.network(pooling=pooling, channels=12, reduced_channels=16)
    signal = drawn(3, 128, 1)
    ours, theirs = network.steps(signal), network.steps(changed_at(signal, place, 50.0))
    assert first_difference(ours, theirs) == place // network.settings.step


@pytest.mark.parametrize("place", [40, 100])
def test_centred_padding_does_look_ahead(make, place):
    network = make.network(padding="centred", channels=12, reduced_channels=16)
    signal = drawn(3, 128, 1)
    ours, theirs = network.steps(signal), network.steps(changed_at(signal, place, 50.0))
    assert first_difference(ours, theirs) < place // network.settings.step


def rising(settings):
    """A network that gives more wherever it hears more, so that nothing that it hears is lost in a pooling."""
    torch.manual_seed(1)
    network = WavenetNetwork(settings).double().eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.abs_() if "bias" in name else parameter.abs_().mul_(0.5)
    return network


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"padding": "centred"},
        {"padding": "centred", "filter": 4, "dilation_growth": 4, "pool": 2, "reduced_filter": 4},
        {"filter": 4, "layers": 1, "stacks": 3, "pooling": "mean"},
        {"padding": "centred", "filter": 3, "stacks": 1, "layers": 3, "reduced_filter": 1},
        {"filter": 2, "layers": 3, "pool": 1, "reduced_filter": 2},
        {"signal": "mel", "padding": "centred", "pooling": "mean", "pool": 3, "reduced_filter": 2},
    ],
)
def test_a_step_hears_as_far_as_its_reach_and_no_further(make, changes):
    settings = make.settings(**changes)
    network, (before, after), length = rising(settings), reach(settings), settings.step
    number = -(-before // length) + 1
    first, last = number * length, (number + 1) * length - 1
    signal = torch.zeros(1, (number + 2 + -(-after // length)) * length, settings.width, dtype=torch.float64)
    step = network.steps(signal)[:, number]
    for place, heard in {
        first - before - 1: False,
        first - before: True,
        last + after: True,
        last + after + 1: False,
    }.items():
        assert torch.equal(network.steps(changed_at(signal, place))[:, number], step) != heard, place


def test_the_paper_sized_network_hears_seven_seconds():
    before, after = reach(WavenetSettings())
    assert after == 0
    assert before == 3 * (1 + 4 + 16 + 64) * (1 + 4 + 16 + 64) + 2 * 256 == 22_187


# Stacks, poolings and ends.


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_every_skip_is_pooled_as_often_as_stacks_end_after_it(make, pooling):
    network = make.network(pooling=pooling, stacks=3, layers=2, pool=3, padding="centred")
    settings, stacks = network.settings, network.stacks
    signal = stacks.standardised(drawn(2, 81, 1))

    def pooled(part, size):
        pieces = part[:, :, 0].unflatten(2, (-1, size))
        return pieces.amax(3) if pooling == "max" else pieces.mean(3)

    running, expected = stacks.enter(signal), []
    for number, layer in enumerate(stacks.layers):
        skip, running = layer(running)
        expected.append(pooled(skip, 3 ** (3 - number // 2)))
        if number % 2:
            running = pooled(running, 3)[:, :, None]
    found = stacks.pooled(signal)
    assert found.shape == (2, 3 * 2 * settings.skip_channels, 1, 81 // 27)
    torch.testing.assert_close(found[:, :, 0], torch.cat(expected, 1))


@pytest.mark.parametrize("padding", ["causal", "centred"])
@pytest.mark.parametrize("taps", [2, 3, 4])
def test_steps_are_a_convolution_of_all_skips_rectified_before_and_after(make, padding, taps):
    network = make.network(padding=padding, reduced_filter=taps)
    signal = drawn(2, 160, 1)
    skips = network.stacks.pooled(network.stacks.standardised(signal))[:, :, 0].clamp_min(0)
    weight, bias = network.reduction.convolution.weight[:, :, 0], network.reduction.convolution.bias
    expected = torch.stack([filtered(each, weight, bias, 1, padding).clamp_min(0).T for each in skips])
    found = network.steps(signal)
    torch.testing.assert_close(found, expected)
    assert (found > 0).any()
    assert (found == 0).any()


def test_without_poolings_the_skips_are_as_long_as_the_signal(make):
    stacks = make.network(stacks=3, layers=2).stacks
    assert stacks.unpooled(stacks.standardised(drawn(2, 50, 1))).shape == (2, 3 * 2 * 4, 1, 50)


def test_dilations_begin_anew_in_each_stack(make):
    stacks = WavenetStacks(make.settings(stacks=2, layers=3, filter=4, dilation_growth=4))
    assert [layer.gated.convolution.dilation[1] for layer in stacks.layers] == [1, 4, 16, 1, 4, 16]


@pytest.mark.parametrize("signal", ["samples", "mel"])
@pytest.mark.parametrize(("connected", "dimension"), [((), 16), ((5,), 5), ((7, 3), 3)])
def test_embeddings_have_the_dimension_of_the_settings_with_and_without_connected_layers(
    make, signal, connected, dimension
):
    network = make.network(signal=signal, connected=connected)
    found = network(drawn(3, 48, network.settings.width))
    assert found.shape == (3, dimension)
    assert network.settings.dimension == dimension


def test_the_default_network_has_as_many_parameters_as_its_formula():
    channels, skips, layers, taps, reduced, parts, dimension = 32, 16, 16, 4, 64, 16, 64
    enter = channels + channels
    gated = 2 * channels * channels * taps + 2 * channels
    outputs = channels * (skips + channels) + skips + channels
    last_outputs = channels * skips + skips
    reduction = layers * skips * reduced * 3 + reduced
    end = parts * reduced * dimension + dimension
    expected = enter + layers * gated + (layers - 1) * outputs + last_outputs + reduction + end
    found = sum(parameter.numel() for parameter in WavenetNetwork(WavenetSettings()).parameters())
    assert found == expected == 271_264


@pytest.mark.parametrize("signal", ["samples", "mel"])
@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_every_parameter_is_learnt_by_a_loss_on_the_embedding(make, signal, pooling):
    network = make.network(signal=signal, pooling=pooling, final_pooling=pooling, connected=(7, 5))
    network(drawn(4, 64, network.settings.width)).square().sum().backward()
    assert {name for name, each in network.named_parameters() if each.grad is None or not each.grad.any()} == set()


@pytest.mark.parametrize("kind", ["max", "mean"])
@pytest.mark.parametrize("parts", [1, 3, 16])
@pytest.mark.parametrize("steps", [1, 2, 3, 15, 16, 17, 100])
def test_the_end_takes_any_number_of_steps(make, kind, parts, steps):
    end = WavenetEnd(make.settings(final_pooling=kind, parts=parts, connected=())).double()
    signal = drawn(2, steps, 8)
    found = end(signal)
    assert found.shape == (2, 8 * parts)
    if parts == 1:
        torch.testing.assert_close(found, signal.amax(1) if kind == "max" else signal.mean(1))


def test_the_parts_are_pieces_of_equal_length_in_their_order(make):
    end = WavenetEnd(make.settings(final_pooling="mean", parts=3, connected=())).double()
    signal = drawn(1, 12, 8)
    expected = torch.stack([signal[0, start : start + 4].mean(0) for start in (0, 4, 8)])
    torch.testing.assert_close(end(signal).view(8, 3).T, expected)


def test_a_number_is_standardised_and_a_constant_one_is_not_scaled(make):
    stacks = WavenetStacks(make.settings(signal="mel", mel_bands=3))
    stacks.standardise_by(torch.tensor([1.0, -60.0, 7.0]), torch.tensor([2.0, 0.0, 0.5]))
    found = stacks.standardised(torch.tensor([[[5.0, -60.0, 7.0], [1.0, -57.0, 6.0]]]))
    assert found.shape == (1, 3, 1, 2)
    assert found[0, :, 0].T.tolist() == [[2.0, 0.0, 0.0], [0.0, 3.0, -2.0]]


def test_dropout_is_for_training_alone(make):
    network = make.network(dropout=0.5, parts=8)
    signal = drawn(1, 128, 1)
    assert torch.equal(network(signal), network(signal))
    network.train()
    assert not torch.equal(network(signal), network(signal))


def test_a_standardised_end_spreads_what_all_tracks_have_in_common():
    torch.manual_seed(0)
    settings = WavenetSettings(standardised=True, parts=1, final_pooling="mean", connected=())
    network = WavenetNetwork(settings)
    signals = torch.randn(12, 4 * settings.step, 1)
    bare = network.end._pool(network.steps(signals).transpose(1, 2), 1).flatten(1)
    spread = network(signals)
    live = bare.std(0) > 1e-3
    assert live.any()
    torch.testing.assert_close(spread.mean(0), torch.zeros(spread.shape[1]), atol=1e-4, rtol=0)
    assert (spread[:, live].std(0) > bare[:, live].std(0)).all()


def test_after_training_a_standardised_end_takes_each_track_by_itself():
    torch.manual_seed(0)
    settings = WavenetSettings(standardised=True, parts=1)
    network = WavenetNetwork(settings)
    signals = torch.randn(6, 2 * settings.step, 1)
    network(signals)
    network.eval()
    torch.testing.assert_close(network(signals)[:1], network(signals[:1]), atol=1e-5, rtol=1e-4)
