import pytest
import torch

from models.taggers.front_end import HOP_SAMPLES, MEL_BANDS
from models.taggers.networks import NETWORKS, Crnn, Fcn, Musicnn

PUBLISHED = {
    "fcn": (0.448, {"layer4.conv.weight": (128, 128, 3, 3), "layer5.conv.weight": (64, 128, 3, 3)}),
    "crnn": (0.394, {"layer5.weight_ih_l0": (96, 128), "layer5.weight_hh_l1": (96, 32), "dense.weight": (50, 32)}),
    "musicnn": (0.784, {"layers.0.conv.weight": (204, 1, 67, 7), "layers.1.conv.weight": (204, 1, 38, 7),
                        "layers.2.conv.weight": (51, 1, 129), "dense1.weight": (200, 1506)}),
}  # fmt: skip


def network(name, seed=0):
    torch.manual_seed(seed)
    return NETWORKS[name]().eval()


def log_mel(net, batch=1, seed=0):
    frames = net.input_samples // HOP_SAMPLES + 1
    return torch.randn(batch, MEL_BANDS, frames, generator=torch.Generator().manual_seed(seed)) * 15 - 20


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_are_those_of_the_published_networks(name):
    millions, shapes = PUBLISHED[name]
    state = network(name).state_dict()
    trained = sum(
        tensor.numel() for key, tensor in state.items() if key.endswith(("weight", "bias")) or "_l" in key
    )
    assert trained / 1e6 == pytest.approx(millions, abs=0.002)
    assert {key: tuple(state[key].shape) for key in shapes} == shapes


@pytest.mark.parametrize("name", NETWORKS)
def test_a_window_gives_one_hidden_vector_and_fifty_probabilities(name):
    net = network(name)
    with torch.inference_mode():
        hidden, probabilities = net(log_mel(net, batch=2))
    assert hidden.shape == (2, net.hidden_size)
    assert probabilities.shape == (2, 50)
    assert ((probabilities > 0) & (probabilities < 1)).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_probabilities_are_the_last_layer_upon_the_hidden_one(name):
    net = network(name)
    dense = net.dense2 if name == "musicnn" else net.dense
    with torch.inference_mode():
        hidden, probabilities = net(log_mel(net))
        expected = 1 / (1 + torch.exp(-(hidden @ dense.weight.T + dense.bias)))
    torch.testing.assert_close(probabilities, expected)


@pytest.mark.parametrize(("kind", "hears_the_end"), [(Fcn, False), (Crnn, True)])
def test_the_fcn_alone_is_deaf_to_the_end_of_its_window(kind, hears_the_end):
    torch.manual_seed(0)
    net = kind().eval()
    sound = log_mel(net)
    other = sound.clone()
    other[:, :, 1_700:] = 0
    with torch.inference_mode():
        assert torch.equal(net(sound)[0], net(other)[0]) != hears_the_end


def test_a_timbre_filter_finds_a_pattern_wherever_it_stands_but_not_backwards():
    torch.manual_seed(0)
    net = Musicnn().eval()
    still = torch.full((1, MEL_BANDS, 188), -40.0)
    early, late = still.clone(), still.clone()
    pattern = log_mel(net)[:, :, :10]
    early[:, :, 88:98] = pattern
    late[:, :, 92:102] = pattern
    backward = still.clone()
    backward[:, :, 88:98] = pattern.flip(2)
    with torch.inference_mode():
        timbre = net.layers[0](net.spec_bn(torch.stack([early, late, backward], 0))).amax(2)
    torch.testing.assert_close(timbre[0], timbre[1])
    assert not torch.allclose(timbre[0], timbre[2])
