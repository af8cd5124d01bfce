"""The WaveNet that predicts: its loss by hand, that it learns, and that its stacks can be kept for similarity."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from models.runs.network_trainer import NetworkTrainer
from models.runs.tracks import Tracks
from models.wavenet.network import WavenetNetwork
from models.wavenet.training.prediction_lesson import HELD_OUT, REPEATED, PredictionLesson
from models.wavenet.training.predictor import LEAST_SCALE, Predictor, laplace_loss
from models.wavenet.training.signal_cache import SignalCache

CPU = torch.device("cpu")
SONGS, OTHERS, LENGTH = 6, 3, 700


def nothing(*_):
    pass


def sine(song):
    """(N,) with noise."""
    generator = np.random.default_rng(song)
    period, phase = generator.uniform(9, 14), generator.uniform(0, 2 * np.pi)
    return np.sin(2 * np.pi * np.arange(LENGTH) / period + phase) + generator.normal(scale=0.02, size=LENGTH)


def autoregression(song):
    """(N,) each element 1.6 of the one before less 0.8 of the one before that, and a surprise."""
    surprises = np.random.default_rng(song).normal(scale=0.1, size=LENGTH)
    found = np.zeros(LENGTH)
    for place in range(2, LENGTH):
        found[place] = 1.6 * found[place - 1] - 0.8 * found[place - 2] + surprises[place]
    return found


SIGNALS = {"sine": sine, "autoregression": autoregression}


@pytest.fixture(scope="module")
def config(make):
    prediction = {"epochs": 4, "per_epoch": 20, "crops": 4, "crop_s": 0.1, "learning_rate": 1e-2}
    return make.config(
        network={"signal": "samples", "channels": 8}, prediction={**prediction, "precision": "float32"}
    )


@pytest.fixture(scope="module")
def cache(config, tmp_path_factory):
    made = SignalCache(tmp_path_factory.mktemp("cache"), config.max_duration_s, config.network)
    for name, signal in SIGNALS.items():
        for song in range(SONGS + OTHERS):
            made.write(f"{name} {song}", torch.from_numpy(0.3 + 2 * signal(song))[:, None].half())
    return made


@pytest.fixture
def lesson(make, config, cache):
    """Makes lessons."""

    def lesson(name="sine", **changes):
        made = [replace(make.track(song), entry=f"{name} {song}") for song in range(SONGS + OTHERS)]
        changed = config.model_validate({**config.model_dump(), **changes})
        return PredictionLesson(changed, Tracks(made[:SONGS], made[SONGS:], {}), cache, CPU)

    return lesson


def test_the_loss_is_the_negative_logarithm_of_a_laplace_density():
    targets, places = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.0, -2.0, 2.0])
    scales = torch.tensor([0.5, 2.0, 1.0])
    expected = sum(math.log(2 * b) + d / b for b, d in ((0.5, 1.0), (2.0, 0.0), (1.0, 1.5))) / 3
    assert laplace_loss(targets, places, scales).item() == pytest.approx(expected)
    density = torch.distributions.Laplace(places, scales).log_prob(targets)
    torch.testing.assert_close(laplace_loss(targets, places, scales), -density.mean())


@pytest.mark.parametrize("signal", ["samples", "mel"])
def test_it_is_asked_for_every_element_but_the_first_in_standard_scores(make, signal):
    torch.manual_seed(0)
    predictor = Predictor(make.settings(signal=signal))
    width = predictor.stacks.mean.numel()
    predictor.stacks.standardise_by(torch.full((width,), 3.0), torch.full((width,), 2.0))
    heard = 3 + 2 * torch.randn(2, 30, width)
    places, scales = predictor(heard)
    assert places.shape == scales.shape == (2, 29, width)
    assert scales.min() > LEAST_SCALE
    expected = laplace_loss((heard[:, 1:] - 3) / 2, places, scales)
    torch.testing.assert_close(predictor.loss(heard), expected)


@pytest.mark.parametrize("signal", ["samples", "mel"])
def test_it_tells_the_change_from_the_element_before_and_is_never_surer_than_the_least_scale(make, signal):
    predictor = Predictor(make.settings(signal=signal))
    width = predictor.stacks.mean.numel()
    with torch.no_grad():
        predictor.end[-1].weight.zero_()
        predictor.end[-1].bias.copy_(torch.cat([torch.full((width,), 0.25), torch.full((width,), -99.0)]))
        heard = torch.randn(2, 30, width)
        places, scales = predictor(heard)
    torch.testing.assert_close(places, heard[:, :-1] + 0.25)
    torch.testing.assert_close(scales, torch.full_like(scales, LEAST_SCALE))


def test_a_prediction_depends_on_the_element_before_and_on_those_in_reach_alone(make):
    torch.manual_seed(0)
    predictor = Predictor(make.settings()).double()
    heard = torch.zeros(1, 40, 1, dtype=torch.float64).requires_grad_()
    predictor(heard)[0][0, 30].sum().backward()
    reach = 2 * (1 + 2)  # of two stacks of two layers, as nothing is pooled
    assert heard.grad[0, :, 0].nonzero().flatten().tolist() == list(range(30 - reach, 31))


@pytest.mark.parametrize("name", SIGNALS)
def test_a_few_epochs_of_learning_predict_better_than_repeating_what_was(lesson, config, tmp_path, name):
    made = lesson(name)
    trainer = NetworkTrainer(made, made._config.prediction, 0, tmp_path)
    before = trainer.judge()
    records = [trainer.train_epoch(nothing) for _ in range(4)]
    assert records[-1].figures[HELD_OUT] < records[-1].figures[REPEATED] - 0.2
    assert records[-1].figures[HELD_OUT] < before[HELD_OUT]
    assert records[-1].figures[REPEATED] == pytest.approx(before[REPEATED])
    assert made.error(records[-1].figures) == records[-1].figures[HELD_OUT]


def test_repeating_is_judged_with_the_best_scale_on_the_middles_of_the_validation_tracks(lesson, cache):
    made = lesson()
    made.begin()
    made.predictor.eval()
    with torch.inference_mode():
        figures = made.judge()
    start = (LENGTH - made._length) // 2
    middles = torch.stack(
        [cache.read(f"sine {SONGS + song}")[start : start + made._length] for song in range(OTHERS)]
    ).float()
    steps = (middles / made.predictor.stacks.deviation).diff(dim=1)[:, 1:].abs()
    assert figures[REPEATED] == pytest.approx(math.log(2 * steps.mean().item()) + 1, rel=1e-3)
    with torch.inference_mode():
        assert figures[HELD_OUT] == pytest.approx(made.predictor.loss(middles).item(), rel=1e-5)


def test_it_begins_with_the_statistics_of_the_tracks_that_are_learnt(lesson, cache):
    made = lesson()
    made.begin()
    learnt = torch.cat([cache.read(f"sine {song}") for song in range(SONGS)]).double()
    torch.testing.assert_close(made.predictor.stacks.mean.double(), learnt.mean(0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        made.predictor.stacks.deviation.double(), learnt.std(0, correction=0), rtol=1e-4, atol=1e-5
    )


def test_batches_depend_on_seed_epoch_and_number_alone(lesson):
    one, other = lesson(), lesson()
    first = one.batch(1, 0)
    assert first.shape == (4, one._length, 1)
    other.batch(7, 3)
    torch.rand(3)
    assert torch.equal(other.batch(1, 0), first)
    for batch in (one.batch(1, 1), one.batch(2, 0), lesson(seed=1).batch(1, 0)):
        assert not torch.equal(batch, first)


def test_it_is_another_run_by_its_network_its_data_or_its_seed_and_not_by_its_pace(lesson):
    same = lesson().identity
    pace = lesson()._config.prediction.model_dump()
    for changes in (
        {"prediction": {**pace, "epochs": 9, "learning_rate": 0.5, "clip": 1.0, "warm_up": 3}},
        {"epochs": 9, "objective": {"loss": "hinge"}, "lists": {"groups": 2}},
    ):
        assert lesson(**changes).identity == same
    for changes in (
        {"prediction": {**pace, "weight_decay": 0.1}},
        {"prediction": {**pace, "crops": 5}},
        {"network": {**lesson()._config.network.model_dump(), "channels": 7}},
        {"max_duration_s": 99.0},
        {"seed": 1},
    ):
        assert lesson(**changes).identity != same
    assert lesson("autoregression").identity != same


def test_the_stacks_can_be_kept_for_similarity(make):
    torch.manual_seed(0)
    settings = make.settings()
    predictor, network = Predictor(settings), WavenetNetwork(settings)
    predictor.stacks.standardise_by(torch.tensor([0.3]), torch.tensor([2.0]))
    heard = torch.randn(1, 64, 1)
    with torch.no_grad():
        assert not torch.equal(*(each.stacks.unpooled(heard.view(1, 1, 1, -1)) for each in (predictor, network)))
        network.stacks.load_state_dict(predictor.stacks.state_dict())
        assert torch.equal(*(each.stacks.unpooled(heard.view(1, 1, 1, -1)) for each in (predictor, network)))
    assert torch.equal(*(each.stacks.standardised(heard) for each in (predictor, network)))


def test_what_looks_ahead_may_not_predict(make):
    with pytest.raises(ValidationError, match="what predicts may not see what comes"):
        make.config(network={"padding": "centred"}, prediction={"epochs": 1})


def test_too_little_memory_is_said_with_what_to_do(lesson):
    said = lesson().less_memory
    assert "4 crops of 0.1 s in a batch. Take less, such as --set prediction.crops=2, in another folder" in said
