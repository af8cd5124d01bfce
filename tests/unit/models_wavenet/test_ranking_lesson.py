"""Learning to rank: what a step does, what a run depends on, how it is judged, and the artifact that it leaves."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.errors import TrainingImpossible
from models.metrics.triplet import ordered_right
from models.registry import load_encoder
from models.runs.network_trainer import NetworkTrainer
from models.runs.tracks import Tracks
from models.wavenet.encoder import NAME
from models.wavenet.training.config import ObjectiveSettings
from models.wavenet.training.crops import crop_elements
from models.wavenet.training.export import export
from models.wavenet.training.predictor import Predictor
from models.wavenet.training.ranking_lesson import JUDGED_S, PAIRS, RankingLesson, ranking_loss
from models.wavenet.training.ranking_losses import lambda_loss, similarities

CPU = torch.device("cpu")
LOSSES = ["hinge", "ndcg1", "ndcg2", "ndcg2++", "lambdarank"]
BOTH = ["cosine", "euclidean"]
ALBUMS, TRACKS = 6, 4


def nothing(*_):
    pass


@pytest.fixture(scope="module")
def corpus(make, tmp_path_factory):
    """A cache of mel spectrograms, and tracks of albums with bands of their own."""
    return make.corpus(tmp_path_factory.mktemp("cache"), make.config(), ALBUMS, TRACKS)


@pytest.fixture
def lesson(make, corpus):
    """Makes lessons; tracks and stacks by their names, the rest is the configuration's."""
    cache, tracks = corpus

    def lesson(*, tracks=tracks, stacks=None, **sections):
        return RankingLesson(make.config(**sections), tracks, cache, CPU, stacks)

    return lesson


def begun(lesson):
    lesson.begin()
    lesson.network.eval()
    return lesson


# One step.


def gap(lesson, batch):
    """How much nearer similar tracks of a batch are than dissimilar ones, on average."""
    lists = batch.lists
    with torch.no_grad():
        embeddings = lesson.embed(batch.crops)
        near = similarities(embeddings[lists.queries], embeddings[lists.listed], lesson.network.settings.similarity)
    return float(near[lists.relevance == 1].mean() - near[lists.relevance == 0].mean())


@pytest.mark.parametrize("similarity", BOTH)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("lists", [{}, {"similar": 1, "dissimilar": 3}])
def test_a_step_brings_similar_tracks_nearer_than_dissimilar_ones(lesson, similarity, loss, lists):
    made = begun(
        lesson(
            network={"similarity": similarity},
            objective={"loss": loss},
            lists={"groups": 4, "tracks": 3, "by_annotations": 0, **lists},
        )
    )
    batch = made.batch(1, 0)
    before = gap(made, batch)
    made.loss(batch).backward()
    length = torch.nn.utils.get_total_norm([parameter.grad for parameter in made.network.parameters()])
    torch.optim.SGD(made.network.parameters(), 0.01 / length.item()).step()
    assert gap(made, batch) > before


def test_the_hinge_is_over_all_pairs_of_every_query():
    near = torch.tensor([[0.9, 0.2, 0.5, -0.3], [0.1, 0.4, 0.3, 0.2]])
    relevance = torch.tensor([[1.0, 0, 1, 0], [0, 0, 0, 1]])
    losses = [
        max(0, 0.6 - float(row[one] - row[other]))
        for row, wanted in zip(near, relevance, strict=True)
        for one, other in itertools.product(range(4), repeat=2)
        if wanted[one] > wanted[other]
    ]
    assert len(losses) == 7
    found = ranking_loss(near, relevance, ObjectiveSettings(loss="hinge", margin=0.6))
    assert found.item() == pytest.approx(sum(losses) / 7)


@pytest.mark.parametrize("loss", LOSSES[1:])
def test_lists_are_learnt_by_the_weighting_and_the_steepness_of_the_settings(loss):
    generator = torch.Generator().manual_seed(0)
    near, relevance = torch.randn(3, 5, generator=generator), torch.eye(5)[:3]
    found = ranking_loss(near, relevance, ObjectiveSettings(loss=loss, sigma=3, mu=2))
    torch.testing.assert_close(found, lambda_loss(near, relevance, loss, sigma=3, mu=2))


@pytest.mark.parametrize("loss", LOSSES)
def test_where_nothing_is_asked_nothing_is_learnt(loss):
    near = torch.zeros(0, 5, requires_grad=True)
    found = ranking_loss(near, torch.zeros(0, 5), ObjectiveSettings(loss=loss))
    found.backward()
    assert found.item() == 0


@pytest.mark.parametrize(("name", "similarity"), [("ndcg2", "cosine"), ("hinge", "euclidean")])
def test_some_epochs_of_learning_order_the_pairs_of_other_tracks_better(lesson, tmp_path, name, similarity):
    made = lesson(
        network={"similarity": similarity, "final_pooling": "mean", "parts": 1, "dropout": 0},
        objective={"loss": name},
        lists={"groups": 4, "tracks": 3, "by_annotations": 0},
        per_epoch=15,
        learning_rate=1e-2,
    )
    trainer = NetworkTrainer(made, made._config, 0, tmp_path)
    before = trainer.judge()[f"{PAIRS}made origin"]
    records = [trainer.train_epoch(nothing) for _ in range(3)]
    assert records[-1].loss < records[0].loss
    assert before < 0.7
    assert records[-1].figures[f"{PAIRS}made origin"] > 0.9


# What a run depends on.


def test_it_is_another_run_by_its_settings_and_its_data_and_not_by_its_pace(lesson, corpus):
    same, (_, tracks) = lesson().identity, corpus
    for pace in (
        {"epochs": 9, "learning_rate": 0.5, "schedule": "cosine"},
        {"warm_up": 5, "clip": 1.0, "precision": "auto"},
    ):
        assert lesson(**pace).identity == same
    for settings in (
        {"seed": 1},
        {"crop_s": 1.5},
        {"per_epoch": 4},
        {"weight_decay": 0.1},
        {"max_duration_s": 99},
        {"network": {"channels": 7}},
        {"objective": {"sigma": 2}},
        {"augmentation": {"most_db": 1}},
        {"prediction": {"epochs": 1}},
    ):
        assert lesson(**settings).identity != same
    first = tracks.train[0]
    for changed in (
        replace(first, entry="track 999"),
        replace(first, domain="elsewhere"),
        replace(first, track=replace(first.track, source="another album")),
        replace(first, track=replace(first.track, free_tags=frozenset({"another tag"}))),
    ):
        assert lesson(tracks=Tracks([changed, *tracks.train[1:]], tracks.validation, {})).identity != same
    for others in (
        Tracks(tracks.train, tracks.validation[1:], {}),
        Tracks(tracks.train[1:], [*tracks.validation, tracks.train[0]], {}),
    ):
        assert lesson(tracks=others).identity != same


def test_batches_depend_on_seed_epoch_and_number_alone(lesson):
    changed = {"augmentation": {"most_db": 6, "masked_time": 0.5}}
    one, other = begun(lesson(**changed)), begun(lesson(**changed))
    first = one.batch(1, 0)
    other.batch(7, 3)
    torch.rand(3)
    again = other.batch(1, 0)
    assert torch.equal(again.crops, first.crops)
    assert again.lists.tracks.tolist() == first.lists.tracks.tolist()
    for batch in (one.batch(1, 1), one.batch(2, 0), begun(lesson(seed=1, **changed)).batch(1, 0)):
        assert batch.crops.shape == first.crops.shape
        assert not torch.equal(batch.crops, first.crops)


def test_a_batch_holds_crops_of_the_tracks_that_its_lists_name(lesson, corpus):
    cache, tracks = corpus
    made = begun(lesson(crop_s=1.0))
    batch = made.batch(1, 0)
    length = crop_elements(1.0, made.network.settings)
    for crop, number in zip(batch.crops, batch.lists.tracks, strict=True):
        places = cache.read(tracks.train[number].entry).float().unfold(0, length, 1).transpose(1, 2)
        assert (places == crop).all((1, 2)).sum() == 1


def test_crops_are_augmented_as_the_settings_say(lesson):
    masked = begun(lesson(augmentation={"masked_time": 1.0}))
    crops = torch.cat([masked.batch(1, number).crops for number in range(4)])
    silent = (crops == masked.network.stacks.mean).all(2)
    assert 0.3 < silent.float().mean() < 0.7
    assert not torch.equal(masked.batch(1, 0).crops, begun(lesson()).batch(1, 0).crops)


def test_a_new_network_standardises_by_the_tracks_that_are_learnt(lesson, corpus):
    cache, tracks = corpus
    stacks = begun(lesson()).network.stacks
    learnt = torch.cat([cache.read(track.entry) for track in tracks.train]).double()
    torch.testing.assert_close(stacks.mean.double(), learnt.mean(0), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(stacks.deviation.double(), learnt.std(0, correction=0), rtol=1e-3, atol=1e-3)


def test_it_begins_with_the_stacks_that_have_learnt_to_predict(lesson):
    torch.manual_seed(9)
    predictor = Predictor(lesson().network.settings)
    predictor.stacks.standardise_by(torch.arange(16.0), torch.arange(16.0) + 1)
    made, fresh = begun(lesson(stacks=predictor.stacks.state_dict())), begun(lesson())
    expected = predictor.stacks.state_dict()
    assert made.network.stacks.state_dict().keys() == expected.keys()
    for name, tensor in made.network.stacks.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert torch.equal(made.network.reduction.convolution.weight, fresh.network.reduction.convolution.weight)
    assert torch.equal(made.batch(1, 0).crops, fresh.batch(1, 0).crops)


def test_the_same_seed_begins_with_the_same_weights(lesson):
    one, again, other = (lesson(seed=seed).network.state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["end.connected.1.weight"], other["end.connected.1.weight"])


# How it is judged.


def test_it_is_judged_by_all_pairs_of_the_middles_of_the_validation_tracks(lesson, corpus):
    cache, tracks = corpus
    made = begun(lesson())
    with torch.inference_mode():
        figures, again = made.judge(), made.judge()
    assert figures == again
    assert figures.keys() == {f"{PAIRS}made origin", f"{PAIRS}made annotations"}
    assert made.error(figures) == pytest.approx(1 - sum(figures.values()) / 2)
    length = crop_elements(JUDGED_S, made.network.settings)
    vectors = []
    for track in tracks.validation:
        signal = cache.read(track.entry).float()
        filled = torch.cat([signal, made.network.stacks.mean.expand(length - len(signal), -1)])
        with torch.no_grad():
            vectors.append(torch.nn.functional.normalize(made.network(filled[None]))[0])
    near = (torch.stack(vectors) @ torch.stack(vectors).T).numpy().astype(np.float64)
    shares = []
    for query, (track, row) in enumerate(zip(tracks.validation, near, strict=True)):
        same = np.array([other.track.source == track.track.source for other in tracks.validation])
        far = row[~same]
        same[query] = False
        shares.append(ordered_right(row[same][:, None], far[None]).mean())
    assert figures[f"{PAIRS}made origin"] == pytest.approx(np.mean(shares), abs=2e-3)


def test_validation_tracks_that_nothing_can_be_judged_by_are_refused(lesson, corpus):
    tracks = corpus[1]
    alone = [replace(each, track=replace(each.track, source=each.entry, tags={})) for each in tracks.validation]
    with pytest.raises(TrainingImpossible, match=r"nothing can be judged\. Put more albums"):
        lesson(tracks=Tracks(tracks.train, alone, {}))


def test_training_tracks_that_are_alike_in_nothing_are_refused(lesson, corpus):
    tracks = corpus[1]
    alone = [replace(each, track=replace(each.track, source=each.entry, tags={})) for each in tracks.train]
    with pytest.raises(TrainingImpossible, match="No two tracks are similar"):
        lesson(tracks=Tracks(alone, tracks.validation, {}))


def test_too_little_memory_is_said_with_what_to_do(lesson):
    said = lesson(lists={"groups": 6, "tracks": 3}).less_memory
    assert "crops of 2 s of 18 tracks in a batch. Take less, such as --set lists.groups=3, in another" in said


# What it leaves.


@pytest.mark.parametrize("changes", [{}, {"standardised": True}, {"similarity": "euclidean"}], ids=str)
def test_the_artifact_of_a_run_embeds_as_the_network_that_was_best(lesson, make, corpus, tmp_path, changes):
    cache, tracks = corpus
    made = lesson(network={"padding": "centred", **changes})
    trainer = NetworkTrainer(made, made._config, 0, tmp_path)
    records = [trainer.train_epoch(nothing) for _ in range(3)]
    manifest = export(trainer, made, tmp_path / NAME, version="7", facts={"command": "as it was"})
    best = min(records, key=lambda record: made.error(record.figures))
    assert (manifest.version, manifest.training["command"]) == ("7", "as it was")
    assert manifest.training["epoch"] == best.epoch
    assert manifest.training["held out"] == pytest.approx(best.figures, abs=0.02)

    encoder, network = load_encoder(NAME, "cpu", [tmp_path]), made.network
    assert encoder.manifest == manifest
    windows = encoder.prepare(make.music(3.0)).inputs
    with torch.inference_mode():
        steps = encoder._windows.inner(network.steps(windows[:, :, :-1]))
        assert torch.equal(encoder.encode(windows)[:, :, :-1], steps)
        assert torch.equal(encoder.embeddings(steps[0]), network.end(steps))
        longest = max(float(network(middle(made, cache, track)).norm()) for track in tracks.train)
    if network.settings.similarity == "euclidean":
        assert encoder._radius.item() == pytest.approx(2 * longest, rel=1e-5)


def middle(lesson, cache, track):
    """(1, L, W) what of a track is judged by."""
    length = crop_elements(JUDGED_S, lesson.network.settings)
    signal = cache.read(track.entry).float()
    return torch.cat([signal, lesson.network.stacks.mean.expand(length - len(signal), -1)])[None]
