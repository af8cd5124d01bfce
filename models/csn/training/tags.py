"""Where the tags lie in the sub-spaces of a trained network, and how sure a likeness to one makes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.csn.training.corpus import Bools, Corpus
from models.csn.training.objective import Objective
from models.csn.training.targets import tag_names, targets
from models.errors import ToolMissing
from models.tag_directions import TagDirections

Floats = NDArray[np.float32]

MIN_EXAMPLES = 5
"""Tracks with a tag, and without it, for the confidence to be fitted to."""

WANTED = 0.5
"""A target above counts as having the tag: a tempo belongs to the nearest step."""


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
    to tracks that were not learnt from, or to all where those are too few. A tag is left out if the more alike a
    track is to it, the less it has it.
    """
    found = {}
    for space, part in parts.items():
        names = tag_names(train.corpus.vocabulary, space)
        directions = _directions(objective, space, part, train)
        examples = _Examples(space, part, train, validation)
        fits = [_fit(examples, direction, number) for number, direction in enumerate(directions)]
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
        directions = has.T @ torch.from_numpy(_unit(train.embeddings[:, part]))
    found: Floats = torch.nn.functional.normalize(directions, dim=1).numpy()
    return found


@dataclass(frozen=True, slots=True)
class _Examples:
    """Tracks with and without the tags of a space."""

    space: str
    part: slice
    train: Embedded
    validation: Embedded

    def of(self, direction: Floats, number: int) -> tuple[Floats, Bools]:
        """(n,) cosines of tracks of which a tag is known, and whether they have it; of validation, if enough."""
        cosines, has = self._in(self.validation, direction, number)
        if _enough(has):
            return cosines, has
        more = self._in(self.train, direction, number)
        return np.concatenate([cosines, more[0]]), np.concatenate([has, more[1]])

    def _in(self, one: Embedded, direction: Floats, number: int) -> tuple[Floats, Bools]:
        wanted = targets(one.corpus, self.space)
        known = wanted.known[:, number].numpy()
        cosines = _unit(one.embeddings[:, self.part]) @ direction
        return cosines[known], (wanted.wanted[:, number] > WANTED).numpy()[known]


def _enough(has: Bools) -> bool:
    """Whether a confidence can be fitted to these."""
    return bool(min(has.sum(), (~has).sum()) >= MIN_EXAMPLES)


def _fit(examples: _Examples, direction: Floats, number: int) -> tuple[float, float] | None:
    """Scale and offset of a tag; ``None`` where there is no telling, or the direction misleads."""
    cosines, has = examples.of(direction, number)
    if not _enough(has):
        return None
    scale, offset = _logistic(cosines, has)
    return (scale, offset) if scale > 0 else None


def _logistic(cosines: Floats, has: Bools) -> tuple[float, float]:
    try:
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing("Training needs scikit-learn: pip install 'soundkin[evaluation]'.") from error
    fitted = LogisticRegression(C=100.0).fit(cosines[:, None], has)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)
    return unit
