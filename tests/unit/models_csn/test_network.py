"""The network: sizes of the papers, shapes for all settings, and what must not change its outputs."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st
from pydantic import ValidationError

from models.channels_last import channels_last
from models.csn.backbone import ConvolutionUnit, InceptionBlock, Stem, block_filters
from models.csn.network import CsnNetwork, example_inputs
from models.csn.settings import MAP_SIZE, NetworkSettings
from models.csn.training.config import read_config
from models.datasets.track import DIMENSIONS, TAG_DIMENSIONS

SIZES = {
    "single, 4 of 64": ({"inputs": "single", "spaces": TAG_DIMENSIONS}, 2.811),
    "single, 6 of 64": ({"inputs": "single"}, 2.844),
    "multi, 6 of 43": ({"space_dimension": 43}, 4.726),
    "multi, 6 of 64": ({}, 4.758),
}


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def noise(shape, segments=3, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(rows.shape, generator=generator) for name, rows in example_inputs(shape, segments).items()
    }


def lived_in(settings):
    """A network whose batch normalisation has statistics and factors of its own."""
    torch.manual_seed(3)
    network = CsnNetwork(settings)
    for unit in network.modules():
        if isinstance(unit, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(unit.weight, 0.5, 1.5)
            torch.nn.init.uniform_(unit.bias, -0.5, 0.5)
    with torch.no_grad():
        for seed in range(4):
            network(noise(settings, 4, seed))
    return network.eval()


@st.composite
def network_settings(draw):
    blocks = draw(st.integers(1, 2))
    size = MAP_SIZE * 2**blocks
    times = draw(st.integers(1, 6))
    columns = size * times + draw(st.integers(0, min(1, times - 1)))
    return NetworkSettings(
        inputs=draw(st.sampled_from(["multi", "single"])),
        spaces=tuple(draw(st.lists(st.sampled_from(DIMENSIONS), min_size=1, unique=True))),
        space_dimension=draw(st.integers(1, 80)),
        width=draw(st.floats(0.01, 0.2)),
        branch_blocks=blocks,
        joint_blocks=draw(st.integers(1, 4)),
        columns=columns,
        context_frames=columns + draw(st.integers(0, 900)),
        activation=draw(st.sampled_from(["layernorm", "relu"])),
    )


@pytest.mark.parametrize("name", SIZES)
def test_the_network_has_as_many_parameters_as_the_papers_one(name):
    changes, millions = SIZES[name]
    assert parameters(CsnNetwork(NetworkSettings(**changes))) / 1e6 == pytest.approx(millions, abs=0.0006)


@runs(max_examples=12)
@given(network_settings())
def test_every_branch_ends_in_16_by_16_and_the_network_in_its_dimension(drawn):
    network = CsnNetwork(drawn).eval()
    inputs = example_inputs(drawn)
    with torch.no_grad():
        maps = network._maps(inputs)
        embeddings = network(inputs)
    assert {found.shape[2:] for found in maps} == {(MAP_SIZE, MAP_SIZE)}
    assert {found.shape[1] for found in maps} == {block_filters(drawn.width)}
    assert embeddings.shape == (2, drawn.dimension) == (2, drawn.space_dimension * len(drawn.spaces))


@given(network_settings())
def test_sub_spaces_lie_side_by_side_and_fill_the_embedding(drawn):
    parts = drawn.slices()
    assert tuple(parts) == drawn.spaces
    places = [place for part in parts.values() for place in range(part.start, part.stop)]
    assert places == list(range(drawn.dimension))


@pytest.mark.parametrize("width", [0.01, 0.125, 0.3, 0.5, 1.0, 1.7])
def test_a_block_gives_the_channels_that_the_next_one_takes(width):
    block = InceptionBlock(40, width)
    assert block(torch.zeros(2, 40, 6, 6)).shape == (2, block_filters(width), 3, 3)


def test_a_block_of_full_width_gives_256_channels():
    assert (block_filters(1.0), block_filters(0.5)) == (256, 128)


def test_a_block_halves_only_the_axes_that_it_shall():
    assert InceptionBlock(8, 0.125, (1, 2))(torch.zeros(2, 8, 16, 32)).shape[2:] == (16, 16)


@pytest.mark.parametrize("factor", [(2, 2), (6, 2), (1, 2), (4, 4), (12, 1), (1, 3)])
def test_a_stem_divides_a_map_by_its_factor(factor):
    found = Stem(factor, 0.125)(torch.zeros(2, 1, 16 * factor[0], 24 * factor[1] + 1))
    assert found.shape[2:] == (16, 24 + (factor[1] == 1))


def test_every_convolution_is_normalised_and_rectified(make):
    network = CsnNetwork(make.settings())
    units = [unit for unit in network.modules() if isinstance(unit, ConvolutionUnit)]
    convolutions = [unit for unit in network.modules() if isinstance(unit, torch.nn.Conv2d)]
    assert len(units) == len(convolutions) > 0
    kinds = {tuple(type(part) for part in unit) for unit in units}
    assert kinds == {(torch.nn.Conv2d, torch.nn.BatchNorm2d, torch.nn.ReLU)}


def test_cens_is_padded_by_two_rows_above_and_two_below(make):
    settings = make.settings()
    network = lived_in(settings)
    seen = []
    network.branches["cens"].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    inputs = noise(settings)
    network(inputs)
    (image,) = seen
    assert image.shape == (3, 1, MAP_SIZE, settings.columns)
    assert torch.equal(image[:, 0, 2:14], inputs["cens"])
    assert not image[:, 0, [0, 1, 14, 15]].any()


@pytest.mark.parametrize("inputs", ["multi", "single"])
@pytest.mark.parametrize("activation", ["layernorm", "relu"])
def test_folding_the_normalisation_into_the_convolutions_changes_nothing(make, inputs, activation):
    settings = make.settings(inputs=inputs, activation=activation)
    network = lived_in(settings)
    segments = noise(settings)
    with torch.no_grad():
        before = network(segments)
        for unit in network.modules():
            if isinstance(unit, ConvolutionUnit):
                unit.fold()
        after = network(segments)
    assert not any(isinstance(unit, torch.nn.BatchNorm2d) for unit in network.modules())
    assert before.std() > 0.1
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


def test_the_layout_in_memory_changes_nothing(make):
    settings = make.settings()
    network = lived_in(settings)
    segments = noise(settings)
    with torch.no_grad():
        torch.testing.assert_close(channels_last(network)(segments), network(segments), atol=1e-4, rtol=1e-4)


def test_layernorm_has_mean_0_and_deviation_1_and_no_parameters(make):
    settings = make.settings()
    with torch.no_grad():
        embeddings = lived_in(settings)(noise(settings))
    torch.testing.assert_close(embeddings.mean(1), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(embeddings.std(1, correction=0), torch.ones(3), atol=1e-3, rtol=0)
    assert parameters(CsnNetwork(settings)) == parameters(CsnNetwork(make.settings(activation="relu")))


def test_relu_gives_embeddings_of_which_none_is_below_zero(make):
    settings = make.settings(activation="relu")
    with torch.no_grad():
        embeddings = lived_in(settings)(noise(settings))
    assert embeddings.min() == 0
    assert (embeddings > 0).any()


def test_each_input_matters(make):
    settings = make.settings()
    network = lived_in(settings)
    segments = noise(settings)
    with torch.no_grad():
        before = network(segments)
        for name, rows in segments.items():
            assert (network({**segments, name: rows + 1}) - before).abs().max() > 1e-3, name


def test_the_papers_network_learns_from_a_batch_of_four_tracks():
    settings = read_config("paper").network
    torch.manual_seed(0)
    network = channels_last(CsnNetwork(settings))
    embeddings = network(noise(settings, 4))
    assert embeddings.shape == (4, 384)
    embeddings[:, ::2].square().sum().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)
    assert all(gradient.any() for gradient in gradients if gradient.dim() > 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spaces": ("genre", "colour")}, "spaces: expected different ones of genre, mood"),
        ({"spaces": ("genre", "genre")}, "spaces: expected different ones"),
        ({"spaces": ()}, "spaces: expected different ones"),
        ({"columns": 48, "branch_blocks": 2}, "columns: with 2 branch_blocks a multiple of 64 is needed"),
        ({"columns": 33, "branch_blocks": 1}, "a multiple of 32 is needed, or one more from 64 on"),
        ({"columns": 100}, "columns: with 2 branch_blocks a multiple of 64"),
        ({"columns": 192, "context_frames": 191}, "context_frames: 192 columns need at least as many frames"),
        ({"columns": 8}, "columns"),
        ({"width": 0}, "width"),
        ({"width": 5}, "width"),
        ({"branch_blocks": 3}, "branch_blocks"),
        ({"joint_blocks": 0}, "joint_blocks"),
        ({"space_dimension": 0}, "space_dimension"),
        ({"inputs": "stereo"}, "inputs"),
        ({"activation": "tanh"}, "activation"),
        ({"depth": 3}, "depth"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_their_name(changes, message):
    with pytest.raises(ValidationError, match=message):
        NetworkSettings(**changes)
