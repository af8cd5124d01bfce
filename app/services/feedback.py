"""Feedback: from what is liked and disliked among results to the weights that were perhaps meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress

import numpy as np

from app.database import Database, Numbers, Transaction
from app.domain import Track, Vectors
from app.errors import Fault, InvalidQuery, InvalidRequest
from app.preference import Doubles, Round, propose
from app.retrieval import SearchRequest, Term
from app.services.references import ReferenceReader
from app.services.search import SearchService
from app.services.search_plan import Plan
from app.services.weight_changes import Evidence, Feature, WeightChange, changes

MAX_JUDGED = 100
"""Tracks liked in one round, and as many disliked."""

MAX_EARLIER = 50

MAX_COMPARED = 5_000_000
"""Similarities of marked tracks and what was shown beside, by feature: they are all held at once, and looked at in
every step of the estimate."""

_LEAST_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True)
class JudgedSearch:
    """A search and what was thought of its results: ids of tracks, which need not be among them."""

    search: SearchRequest
    liked: Sequence[str]
    disliked: Sequence[str]


@dataclass(frozen=True, slots=True)
class TermProposal:
    """Weights of one term, on one scale with those of the others: the largest of all has magnitude 1.

    Attributes:
        term: Its place in the search.
        old: By space; a tag has its own only.
        new: By space, likewise.
        changes: Those that can be seen, the largest first.
    """

    term: int
    old: Mapping[str, float]
    new: Mapping[str, float]
    changes: Sequence[WeightChange]


@dataclass(frozen=True, slots=True)
class WeightProposal:
    """Weights that fit the judgements.

    Attributes:
        encoder: Whose spaces they name, as in a search with it.
        terms: All of the present search, in order.
        judgements: How many there were, of all rounds.
        certainty: The cosine that is to be expected between the new weights and what is meant, 0 to 1; 0 where the
            judgements tell nothing.
    """

    encoder: str
    terms: Sequence[TermProposal]
    judgements: int
    certainty: float


@dataclass(frozen=True, slots=True)
class _Read:
    """One round: its plan, (T, D) vectors of its terms, (N, D) of N tracks, and marks."""

    plan: Plan
    sources: Vectors
    numbers: Numbers
    vectors: Vectors
    liked: np.ndarray[tuple[int], np.dtype[np.bool_]]
    disliked: np.ndarray[tuple[int], np.dtype[np.bool_]]

    def features(self) -> list[Feature]:
        """Return all that the search could weigh: each space of a reference, and each tag."""
        joint = self.plan.joint
        encoders = {encoder.name for encoder in joint.encoders}
        tags = {tag.term for tag in self.plan.tags}
        of_tags = [
            Feature(tag.term, joint.name(tag.encoder, tag.space), tag.tag)
            for tag in self.plan.tags
            if tag.encoder in encoders
        ]
        terms = [term for term in range(len(self.sources)) if term not in tags]
        of_references = [Feature(term, space.name) for term in terms for space in joint.spaces]
        return [*of_references, *of_tags]

    def cosines(self, vectors: Vectors) -> Doubles:
        """Return (N, F) cosines of (N, D) vectors by feature."""
        query = replace(self.plan.query, sources=self.sources)
        by_term = np.stack([query.cosines(term, vectors) for term in range(len(self.sources))], axis=1)
        return by_term[:, *self._places()]

    def compared(self) -> int:
        """Return how many similarities its judgements compare: of each marked track with all that were shown."""
        return int(self.liked.sum() + self.disliked.sum()) * len(self.numbers) * len(self.features())

    def weights(self) -> Doubles:
        """Return (F,) weights as asked with, the largest of magnitude 1."""
        weights: Doubles = self.plan.query.term_weights()[self._places()]
        return weights

    def to_round(self, unit: float) -> Round:
        return Round(self.numbers, self.cosines(self.vectors) * self._scale() / unit, self.liked, self.disliked)

    def unit(self) -> float:
        """Return how much similarities deviate over the catalogue: about 1 where the search is calibrated."""
        similarities = self.cosines(self.plan.background.vectors) * self._scale()
        deviations = similarities.std(axis=0) if len(similarities) else np.zeros(1)
        there = deviations[deviations > _LEAST_DEVIATION]
        return float(there.mean()) if len(there) else 1.0

    def _places(self) -> tuple[list[int], list[int]]:
        """Return of each feature the places of its term and of its space."""
        names = [space.name for space in self.plan.joint.spaces]
        features = self.features()
        return [each.term for each in features], [names.index(each.space) for each in features]

    def _scale(self) -> Doubles:
        scale: Doubles = self.plan.query.scale[self._places()[1]]
        return scale


class FeedbackService:
    """Proposes weights. What was shown is found by searching again, so that nothing needs to be kept of it."""

    def __init__(self, database: Database, search: SearchService) -> None:
        self._database = database
        self._search = search

    def propose(self, rounds: Sequence[JudgedSearch]) -> WeightProposal:
        """Estimate the weights of all terms together.

        Args:
            rounds: Of one library, the present one last. Earlier ones asked with as many references and the same
                tags, in the same order, and for the same spaces, none of them for the opposite; the weights of the
                first are where the estimate starts from.

        Raises:
            InvalidQuery: Everything that is wrong with the rounds, together.
            NotFound: A judged track or a reference is not in the library.
            NotEmbedded: A judged track or a reference has no vectors by an encoder yet.
            Transient: An index is still being loaded.
        """
        faults = _mark_faults(rounds)
        with self._database.transaction(read_only=True) as tx:
            read = [self._read(tx, each, _place(rounds, number), faults) for number, each in enumerate(rounds)]
        known = [each for each in read if each is not None]
        faults += _space_faults(known)
        if faults:
            raise InvalidQuery(" ".join(dict.fromkeys(fault.message for fault in faults)), faults)
        return _proposal(known)

    def _read(self, tx: Transaction, judged: JudgedSearch, place: str, faults: list[Fault]) -> _Read | None:
        """Find again what was shown, and read what was judged; ``None`` where that is not possible."""
        try:
            plan, matches = self._search.look(tx, replace(judged.search, explain=False))
        except InvalidRequest as error:
            found = error.faults or (Fault("terms", str(error)),)
            faults += [Fault(f"{place}search.{fault.place}", fault.message) for fault in found]
            return None
        shown = np.array([match.track.number for match in matches], dtype=np.int64)
        marked = _read_marked(tx, plan, [*judged.liked, *judged.disliked])
        faults += _reference_faults(plan, marked, place)
        vectors = dict(zip(shown.tolist(), plan.index.vectors(shown), strict=True))
        vectors |= {track.number: vector for track, vector in marked.values()}
        numbers = np.array(list(vectors), dtype=np.int64)
        liked, disliked = (
            np.isin(numbers, [marked[each][0].number for each in ids]) for ids in (judged.liked, judged.disliked)
        )
        table = np.array(list(vectors.values()), dtype=np.float32).reshape(-1, plan.joint.dimension)
        return _Read(plan, _sources(tx, plan), numbers, table, liked, disliked)


_Marked = Mapping[str, tuple[Track, Vectors]]
"""Judged tracks by their id, with their (D,) vectors."""


def _reference_faults(plan: Plan, marked: _Marked, place: str) -> list[Fault]:
    return [
        Fault(
            f"{place}search.terms",
            f"The track {track.id} is a reference of the search itself, or its copy; judge other tracks.",
        )
        for track, _ in marked.values()
        if track.number in plan.own
    ]


def _place(rounds: Sequence[JudgedSearch], number: int) -> str:
    """Return what stands before the name of a field of a round."""
    return "" if number == len(rounds) - 1 else f"earlier.{number}."


def _mark_faults(rounds: Sequence[JudgedSearch]) -> list[Fault]:
    faults = [
        Fault(
            f"{_place(rounds, number)}disliked.{place}", f"The track {track!r:.80} is liked and disliked; take one."
        )
        for number, each in enumerate(rounds)
        for place, track in enumerate(each.disliked)
        if track in each.liked
    ]
    if not any(chain.from_iterable((each.liked, each.disliked) for each in rounds)):
        faults.append(Fault("liked", "No track is judged; name at least one that is liked or disliked."))
    return faults


def _sources(tx: Transaction, plan: Plan) -> Vectors:
    """Return (T, D) the vectors of the query's terms, those too by encoders that a reference does not weigh yet."""
    encoders = {encoder.name for encoder in plan.joint.encoders}
    reader = ReferenceReader(tx, plan.request.library_id, plan.joint)
    sources = plan.query.sources.copy()
    for each in reader.read(plan.request.terms, [encoders] * len(sources)):
        sources[each.term] = each.vector
    return sources


def _read_marked(tx: Transaction, plan: Plan, ids: Sequence[str]) -> _Marked:
    """Return judged tracks with their vectors by all encoders of the query. Raises as searching by them would."""
    encoders = {encoder.name for encoder in plan.joint.encoders}
    reader = ReferenceReader(tx, plan.request.library_id, plan.joint)
    found = reader.read([Term(each) for each in ids], [encoders] * len(ids))
    reader.raise_faults()
    return {ids[each.term]: (each.track, each.vector) for each in found}


def _space_faults(rounds: Sequence[_Read]) -> list[Fault]:
    if not rounds:
        return []
    present = rounds[-1]
    if len(features := present.features()) == 1:
        message = (
            f"The search has {features[0].name} only to weigh: there are no weights to learn. "
            "Add a reference or a tag, or search with an encoder of several spaces."
        )
        return [Fault("search.terms", message)]
    differences = enumerate(_difference(each, present) for each in rounds[:-1])
    others = [Fault(f"earlier.{number}.search", message) for number, message in differences if message]
    return others or _turn_faults(rounds) or _size_faults(rounds)


def _size_faults(rounds: Sequence[_Read]) -> list[Fault]:
    compared = sum(each.compared() for each in rounds)
    if compared <= MAX_COMPARED:
        return []
    message = (
        f"The judgements compare {compared} similarities, {MAX_COMPARED} are taken at most: leave out the earliest "
        "rounds, judge fewer tracks, or search with a smaller k or fewer terms."
    )
    return [Fault("search.k", message)]


def _difference(earlier: _Read, present: _Read) -> str | None:
    """Say why the weights of two rounds are not the same ones."""
    if earlier.plan.joint.spaces != present.plan.joint.spaces:
        return "This search weighs other encoders than the present one; leave it out, or search with the same."
    if earlier.plan.request.calibrate != present.plan.request.calibrate:
        return "This search and the present one differ in calibrate; leave it out, or search with the same."
    if earlier.features() != present.features():
        return (
            "This search has other terms than the present one; leave it out, or search with as many references and "
            "the same tags, in the same order. A term that no longer counts has weights of 0."
        )
    return None


def _turn_faults(rounds: Sequence[_Read]) -> list[Fault]:
    """Refuse what cannot have been meant at one time: that tracks are alike in a space, and that they differ."""
    names = [feature.name for feature in rounds[-1].features()]
    signs = np.sign([each.weights() for each in rounds])
    turned = [(signs[number] * signs[number + 1 :] < 0).any(axis=0) for number in range(len(rounds) - 1)]
    return [
        Fault(
            f"earlier.{number}.search",
            f"This search wants the opposite of a later one in {', '.join(compress(names, found))}; leave it out.",
        )
        for number, found in enumerate(turned)
        if found.any()
    ]


def _proposal(rounds: Sequence[_Read]) -> WeightProposal:
    present = rounds[-1]
    unit = present.unit()
    judged = [each.to_round(unit) for each in rounds]
    contrasts = np.any([each.weights() < 0 for each in rounds], axis=0)
    found = propose(rounds[0].weights(), judged, contrasts)
    evidence = Evidence.of([(each.cosines(each.vectors), each.liked, each.disliked) for each in rounds])
    return WeightProposal(
        encoder=present.plan.joint.encoders[0].name,
        terms=[_of_term(term, present, found.weights, evidence) for term in range(len(present.sources))],
        judgements=sum(each.judgements for each in judged),
        certainty=found.certainty,
    )


def _of_term(term: int, present: _Read, weights: Doubles, evidence: Evidence) -> TermProposal:
    features, asked = present.features(), present.weights()
    old, new = (
        {each.space: float(weight) for each, weight in zip(features, given, strict=True) if each.term == term}
        for given in (asked, weights)
    )
    return TermProposal(term, old, new, changes(features, term, asked, weights, evidence))
