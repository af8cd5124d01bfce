"""Where the tags lie in the sub-spaces of a trained network, and how sure a likeness to one makes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.csn.training.corpus import Bools, Corpus
from models.csn.training.objective import Objective
from models.csn.training.targets import tag_names, targets
from models.csn.training.validation import unit
from models.errors import ToolMissing
from models.metrics.classification import rank_quality
from models.tag_directions import TagDirections

Floats = NDArray[np.float32]

MIN_EXAMPLES = 5
"""Tracks with a tag, and without it, for the confidence to be fitted to."""

MIN_ROC_AUC = 0.6

WANTED = 0.5
"""A target above counts as having the tag: a tempo belongs to the steps within one of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Tracks and (N, E) their embeddings."""

    corpus: Corpus
    embeddings: Floats


def find_tags(
    objective: Objective, parts: Mapping[str, slice], train: Embedded, validation: Embedded
) -> dict[str, TagDirections]:
    """Directions of the tags by space, of those that the tracks bear out.

    A direction is the tag's proxy where the network learnt one for its sub-space, else the mean of the tracks that
    have it (the prototype of paper 003, section 4.3). The confidence is a logistic regression on the cosine, fitted
    to tracks that were not learnt from. A tag is left out where those are too few, or do not lie where it points.
    """
    found = {}
    for space, part in parts.items():
        names = tag_names(train.corpus.vocabulary, space)
        directions = _directions(objective, space, part, train)
        cosines = unit(validation.embeddings[:, part]) @ directions.T
        wanted = targets(validation.corpus, space)
        has, known = (wanted.wanted > WANTED).numpy(), wanted.known.numpy()
        fits = [
            _fit(cosines[known[:, number], number], has[known[:, number], number]) for number in range(len(names))
        ]
        kept = [number for number, fit in enumerate(fits) if fit is not None]
        if kept:
            scales, offsets = np.array([fits[number] for number in kept], np.float32).T
            found[space] = TagDirections(tuple(names[number] for number in kept), directions[kept], scales, offsets)
    return found


def _directions(objective: Objective, space: str, part: slice, train: Embedded) -> Floats:
    """(Z, d) of unit length; zero for a tag without a track."""
    if space in objective.directions and objective.settings.disentangled:
        directions = objective.directions[space].detach().cpu()
    else:
        wanted = targets(train.corpus, space)
        has = ((wanted.wanted > WANTED) & wanted.known).float()
        directions = has.T @ torch.from_numpy(unit(train.embeddings[:, part]))
    found: Floats = torch.nn.functional.normalize(directions, dim=1).numpy()
    return found


def _fit(cosines: Floats, has: Bools) -> tuple[float, float] | None:
    """Scale and offset from (n,) tracks of which a tag is known; ``None`` where it is not borne out."""
    if min(has.sum(), (~has).sum()) < MIN_EXAMPLES:
        return None
    told = rank_quality(cosines.astype(np.float64), has, np.ones((1, len(has))))
    scale, offset = _logistic(cosines, has)
    return (scale, offset) if told.roc_auc[0] >= MIN_ROC_AUC and scale > 0 else None


def _logistic(cosines: Floats, has: Bools) -> tuple[float, float]:
    try:
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing("Training needs scikit-learn: pip install 'soundkin[evaluation]'.") from error
    fitted = LogisticRegression(C=100.0).fit(cosines[:, None], has)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
