"""Long signals piece by piece: the steps of windows are those of the whole signal, and memory stays bounded."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.encoder import embed
from models.wavenet import windows
from models.wavenet.encoder import WINDOWS_AT_ONCE
from models.wavenet.settings import WavenetSettings
from models.wavenet.windows import windows_of

KINDS = [
    {"padding": padding, "pooling": pooling, "signal": signal}
    for padding in ("causal", "centred")
    for pooling in ("max", "mean")
    for signal in ("samples", "mel")
]
KINDS += [{"padding": "centred", "filter": 4, "dilation_growth": 4, "pool": 3, "reduced_filter": 4}, {"pool": 1}]


def names(kind):
    return " ".join(map(str, kind.values()))


def vectors(embedding):
    return np.concatenate([embedding.vector[None], embedding.segments])


@pytest.fixture(scope="module", params=KINDS, ids=names)
def network(make, request):
    return make.network(**request.param)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 700), st.integers(1, 9))
@example(1, 1)
@example(16, 1)
@example(17, 1)
@example(640, 40)
def test_the_steps_of_windows_joined_are_those_of_the_whole_signal_between_means(network, length, steps):
    step, filling = network.settings.step, network.stacks.mean
    signal = torch.randn(length, len(filling), generator=torch.Generator().manual_seed(length)).double()
    cut = replace(windows_of(network.settings), about=steps * step)
    count = -(-length // step)
    found = cut.inner(network.steps(cut.cut(signal, filling))).flatten(0, 1)[:count]

    around = cut.before + cut.after + 3 * step
    behind = around + count * step - length
    parts = [filling.expand(around, -1), signal, filling.expand(behind, -1)]
    whole = network.steps(torch.cat(parts)[None])[0, around // step : around // step + count]
    torch.testing.assert_close(found, whole)


def test_without_what_lies_around_a_window_the_steps_would_be_others(network):
    """What the test above could not tell apart, if nothing reached across the edge of a window."""
    cut = replace(windows_of(network.settings), about=4 * network.settings.step)
    signal = torch.randn(400, len(network.stacks.mean), generator=torch.Generator().manual_seed(0)).double()
    joined, bare = (
        each.inner(network.steps(each.cut(signal, network.stacks.mean))).flatten(0, 1)
        for each in (cut, replace(cut, before=0, after=0))
    )
    assert (joined - bare).abs().max() > 1e-3


@pytest.mark.parametrize("kind", KINDS, ids=names)
def test_the_vectors_of_a_track_do_not_depend_on_the_length_of_windows(make, monkeypatch, kind):
    waveform = make.music(9.3)
    whole = embed(make.encoder(**kind), waveform)
    monkeypatch.setattr(windows, "WINDOW_S", 0.8)
    encoder = make.encoder(**kind)
    assert len(encoder.prepare(waveform).inputs) > 4
    np.testing.assert_allclose(vectors(embed(encoder, waveform)), vectors(whole), atol=2e-5)


def test_no_more_than_a_few_windows_of_one_length_are_in_the_network_at_once(make, monkeypatch):
    monkeypatch.setattr(windows, "WINDOW_S", 1.0)
    encoder, seen = make.encoder(), []
    encoder._network.stacks.enter.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape))
    for seconds in (0.7, 3.0, 3.1, 10.5):
        embed(encoder, make.music(seconds))
    assert [shape[0] for shape in seen] == [1, 3, 4, 4, 4, 3]
    assert max(shape[0] for shape in seen) == WINDOWS_AT_ONCE
    assert len({shape[3] for shape in seen}) == 1


def test_windows_are_of_whole_steps_and_hold_what_the_network_reaches():
    for kind in KINDS:
        made, chosen = windows_of(WavenetSettings(**kind)), WavenetSettings(**kind)
        before, after = windows.reach(chosen)
        assert [size % chosen.step for size in (made.before, made.about, made.after)] == [0, 0, 0]
        assert 0 <= made.before - before < chosen.step
        assert 0 <= made.after - after < chosen.step
