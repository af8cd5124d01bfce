"""The questions that an evaluation can answer, by the names that the command line takes."""

from collections.abc import Callable, Mapping

from models.evaluate.clustering import evaluate_clustering
from models.evaluate.disentanglement import evaluate_disentanglement
from models.evaluate.embedded import Embedded
from models.evaluate.estimators import estimates_of, evaluate_estimators
from models.evaluate.evaluation import Evaluation
from models.evaluate.family_hearing import family_scores
from models.evaluate.leakage import evaluate_leakage
from models.evaluate.listening import measure_dataset
from models.evaluate.probes import evaluate_probes
from models.evaluate.ranking import evaluate_ranking
from models.evaluate.report import Report
from models.evaluate.retrieval import evaluate_retrieval
from models.evaluate.robustness import evaluate_robustness
from models.evaluate.systems.estimator import ESTIMATORS, EstimatorSystem
from models.evaluate.systems.tagger import TaggerSystem
from models.evaluate.tagging import evaluate_tagging
from models.evaluate.triplets import evaluate_triplets

REFERENCE = "librosa"
"""Whose mistakes make the skewed lists of paper 004."""


def retrieval(evaluation: Evaluation) -> Report:
    """Does a track find those of its album, artist, genre …? R@K, precision, MAP, NDCG, MRR."""
    manner = evaluation.manner
    return evaluate_retrieval(
        evaluation.asked.dataset,
        evaluation.asked.embedded,
        evaluation.respects(),
        manner.resampling,
        group_by_origin=manner.group_by_origin,
        across_origins=manner.across_origins,
    )


def ranking(evaluation: Evaluation) -> Report:
    """Are three similar tracks ranked before three dissimilar ones? The protocol of paper 004, plain and skewed."""
    manner = evaluation.manner
    return evaluate_ranking(
        evaluation.asked.dataset,
        evaluation.asked.embedded,
        evaluation.respects(),
        manner.resampling,
        reference=_reference(evaluation),
        seed=manner.resampling.seed,
        group_by_origin=manner.group_by_origin,
    )


def triplets(evaluation: Evaluation) -> Report:
    """Is a similar track nearer than a dissimilar one? By dimension, space and combination of spaces."""
    manner = evaluation.manner
    return evaluate_triplets(
        evaluation.asked.dataset,
        evaluation.asked.embedded,
        evaluation.respects(),
        manner.resampling,
        judged=manner.judged,
        seed=manner.resampling.seed,
        group_by_origin=manner.group_by_origin,
    )


def tagging(evaluation: Evaluation) -> Report:
    """Can tags be told from vectors? Macro ROC-AUC of a linear probe and of tag prototypes."""
    return evaluate_tagging(
        evaluation.heard.dataset,
        evaluation.heard.embedded,
        evaluation.manner.resampling,
        group_by_origin=evaluation.manner.group_by_origin,
    )


def probes(evaluation: Evaluation) -> Report:
    """Can genre, instrument, key, tempo … be told from vectors? Macro-F1 of logistic regression, R² of ridge."""
    return evaluate_probes(
        evaluation.heard.dataset,
        evaluation.heard.embedded,
        evaluation.manner.resampling,
        group_by_origin=evaluation.manner.group_by_origin,
    )


def clustering(evaluation: Evaluation) -> Report:
    """Do clusters of vectors follow labels? K-Means and GMM, three indices, Hungarian accuracy."""
    return evaluate_clustering(
        evaluation.asked.dataset,
        evaluation.asked.embedded,
        evaluation.manner.resampling,
        group_by_origin=evaluation.manner.group_by_origin,
        split=evaluation.manner.split,
    )


def disentanglement(evaluation: Evaluation) -> Report:
    """Does a sub-space tell its dimension and no other? A matrix per system."""
    return evaluate_disentanglement(
        evaluation.heard.dataset,
        evaluation.heard.embedded,
        evaluation.manner.resampling,
        group_by_origin=evaluation.manner.group_by_origin,
    )


def robustness(evaluation: Evaluation) -> Report:
    """Is a track found by an altered copy: as mp3, quieter, trimmed, shifted in pitch or tempo, with noise?"""
    queries = evaluation.sample().dataset
    return evaluate_robustness(
        evaluation.heard.dataset,
        queries,
        evaluation.systems,
        evaluation.view,
        cache=evaluation.cache,
        resampling=evaluation.manner.resampling,
        group_by_origin=evaluation.manner.group_by_origin,
        jobs=evaluation.jobs,
        on_progress=evaluation.progress("altering", len(queries)),
    )


def leakage(evaluation: Evaluation) -> Report:
    """What could make the other figures too good: tracks on two sides, near duplicates, shortcuts."""
    manner = evaluation.manner
    return evaluate_leakage(
        evaluation.heard,
        evaluation.asked,
        evaluation.respects(),
        manner.resampling,
        group_by_origin=manner.group_by_origin,
        across_origins=manner.across_origins,
    )


def estimators(evaluation: Evaluation) -> Report:
    """How right are tempo, key and the instruments that taggers hear? Accuracy 1 and 2, weighted key score, AUC."""
    asked = evaluation.asked_tracks
    tempo_and_key = [EstimatorSystem(name) for name in ESTIMATORS]
    taggers = [system for system in evaluation.systems if isinstance(system, TaggerSystem)]
    found = measure_dataset(
        asked,
        [*tempo_and_key, *taggers],
        evaluation.view,
        evaluation.cache,
        jobs=evaluation.jobs,
        on_progress=evaluation.progress("estimating", len(asked)),
    )
    measured = iter(found.measured)
    return evaluate_estimators(
        found.dataset,
        [estimates_of(system.name, next(measured)) for system in tempo_and_key],
        evaluation.manner.resampling,
        taggers={tagger.name: family_scores(next(measured), tagger.tags) for tagger in taggers},
    )


QUESTIONS: Mapping[str, Callable[[Evaluation], Report]] = {
    question.__name__: question
    for question in (
        retrieval,
        ranking,
        triplets,
        tagging,
        probes,
        clustering,
        disentanglement,
        robustness,
        leakage,
        estimators,
    )
}


def _reference(evaluation: Evaluation) -> Embedded | None:
    """The system whose mistakes make the skewed lists, where it takes part."""
    return next((system for system in evaluation.asked.embedded if system.system == REFERENCE), None)
