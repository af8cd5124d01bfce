"""Turning a search request into one vector and the tracks that may be found, or into everything wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.database import Numbers, Transaction
from app.domain import EncoderInfo, EncoderState, Vectors
from app.errors import Fault, InvalidQuery, InvalidRequest, NotEmbedded, Transient
from app.joint_space import JointSpace
from app.ports import Searchable
from app.query import Query, compose, weight_faults, weight_matrix
from app.retrieval import MAX_K, MAX_TERMS, AnyTerm, SearchRequest
from app.services import calibration
from app.services.background import Background, draw_background
from app.services.encoder_memory import EncoderMemory
from app.services.filter_memory import FilterMemory
from app.services.indexing import IndexKeeper
from app.services.joint_index import JointIndex
from app.services.kept_index import KeptIndex
from app.services.references import Reference, ReferenceReader, own_numbers, resolve_same_as_query
from app.services.space_names import SpaceNames, SpaceOf
from app.services.stopwatch import Stopwatch
from app.services.tags import AskedTag, asked_tags


@dataclass(frozen=True, slots=True)
class Plan:
    """A search that was found answerable.

    Attributes:
        request: What was asked.
        joint: The encoders that it weighs.
        index: What to search.
        background: What similarities are compared with.
        query: The one vector.
        references: The terms that name a track or a clip.
        tags: The tag terms.
        own: Numbers of tracks that must not be found.
        allowed: Numbers that the filter left; ``None`` without a filter.
    """

    request: SearchRequest
    joint: JointSpace
    index: Searchable
    background: Background
    query: Query
    references: Sequence[Reference]
    tags: Sequence[AskedTag]
    own: Numbers
    allowed: Numbers | None


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered from one search to the next."""

    encoders: EncoderMemory = field(default_factory=EncoderMemory)
    filters: FilterMemory = field(default_factory=FilterMemory)


def make_plan(
    tx: Transaction, keeper: IndexKeeper, memory: Memory, request: SearchRequest, watch: Stopwatch
) -> Plan:
    """Check the request and work out what to ask the index.

    Raises:
        InvalidQuery: Everything that is wrong with the request, together.
        NotFound: A reference is not in the library.
        NotEmbedded: A reference has no vectors by an encoder yet.
        Transient: An index is still being loaded.
    """
    terms = request.terms[:MAX_TERMS]
    with watch.stage("resolve"):
        faults = _request_faults(request)
        names = _find_names(memory.encoders.encoders(tx), request.encoder, faults)
        tags = asked_tags(names, terms, faults)
        weighed = _weighed(names, terms, tags, faults)
        joint = _asked_encoders(names, weighed)
        kept = [keeper.get(request.library_id, encoder.id) for encoder in joint.encoders]
        weights = [{joint.name(*space): weight for space, weight in each.items()} for each in weighed]
        faults += weight_faults(weights, joint.spaces)
        reader = ReferenceReader(tx, request.library_id, joint, faults)
        references = reader.read(terms, [_encoders_of(each) for each in weighed])
    with watch.stage("filter"):
        allowed = _allowed(tx, memory.filters, request, references, faults)
    reader.raise_faults()
    own = own_numbers(tx, [reference.track for reference in references])
    indexes = _loaded(joint, kept)
    scale = _scale(joint, indexes)
    query = compose(
        joint.spaces,
        _sources(joint, references, tags),
        weight_matrix(weights, joint.spaces),
        scale if request.calibrate else None,
    )
    index, background = _joined(joint, indexes)
    return Plan(
        request, joint, index, background, query, references, tags, np.fromiter(own, dtype=np.int64), allowed
    )


def _request_faults(request: SearchRequest) -> list[Fault]:
    ceiling, diversity, most = request.max_similarity, request.diversity, request.max_per_artist
    faults = []
    if not 1 <= request.k <= MAX_K:
        faults.append(Fault("k", f"k is {request.k}; it must lie between 1 and {MAX_K}."))
    if len(request.terms) > MAX_TERMS:
        faults.append(Fault("terms", f"The query has {len(request.terms)} terms; at most {MAX_TERMS} are taken."))
    if ceiling is not None and not -1 <= ceiling <= 1:
        faults.append(Fault("max_similarity", f"max_similarity is {ceiling}; it must lie between -1 and 1."))
    if not 0 <= diversity <= 1:
        faults.append(Fault("diversity", f"diversity is {diversity}; it must lie between 0 and 1."))
    if most is not None and most < 1:
        faults.append(Fault("max_per_artist", f"max_per_artist is {most}; it must be at least 1."))
    return faults


def _find_names(encoders: Sequence[EncoderInfo], name: str | None, faults: Sequence[Fault]) -> SpaceNames:
    """Return what names mean to a query that names this encoder, or none."""
    ready = [encoder for encoder in encoders if encoder.state is EncoderState.READY]
    if not ready:
        raise NotEmbedded(
            "No encoder is there yet, so nothing is embedded. Start a worker: it brings its encoders."
        )
    for encoder in ready:
        if encoder.name == name or (name is None and encoder.is_default):
            return SpaceNames(encoder, ready)
    names = ", ".join(encoder.name for encoder in ready)
    message = f"There is no encoder {name!r}." if name else "No encoder is the default one; name the encoder."
    unknown = Fault("encoder", f"{message} Those that can be searched: {names}.")
    raise InvalidQuery(unknown.message, [*faults, unknown])


def _weighed(
    names: SpaceNames, terms: Sequence[AnyTerm], tags: Sequence[AskedTag], faults: list[Fault]
) -> list[Mapping[SpaceOf, float]]:
    """Return what each term weighs; of a tag that was not understood what nobody can find fault with."""
    by_term = {tag.term: {(tag.encoder, tag.space): tag.weight} for tag in tags}
    return [
        by_term.get(place) or names.weights(f"terms.{place}.weights", getattr(term, "weights", None), faults)
        for place, term in enumerate(terms)
    ]


def _encoders_of(weighed: Mapping[SpaceOf, float]) -> set[str]:
    return {encoder for (encoder, _), weight in weighed.items() if weight}


def _asked_encoders(names: SpaceNames, weighed: Sequence[Mapping[SpaceOf, float]]) -> JointSpace:
    """Return the encoders that any term weighs, the query's own one first; that one alone where none does."""
    asked = {encoder for each in weighed for encoder in _encoders_of(each)} or {names.own.name}
    order = sorted(names.encoders, key=lambda encoder: encoder is not names.own)
    return JointSpace(tuple(encoder for encoder in order if encoder.name in asked))


def _loaded(joint: JointSpace, kept: Sequence[KeptIndex | None]) -> list[KeptIndex]:
    loaded = [each for each in kept if each is not None]
    for encoder, each in zip(joint.encoders, kept, strict=True):
        if each is None:
            raise Transient(f"The index of the encoder {encoder.name!r} is being loaded; try again in a moment.")
    return loaded


def _scale(joint: JointSpace, indexes: Sequence[KeptIndex]) -> Mapping[str, float] | None:
    """Return the scale of the spaces; ``None`` unless all encoders have been measured."""
    scales: dict[str, float] = {}
    for encoder, each in zip(joint.encoders, indexes, strict=True):
        scale = calibration.scale(each.calibration)
        if scale is None:
            return None
        scales |= {joint.name(encoder.name, space): c for space, c in scale.items()}
    return scales


def _joined(joint: JointSpace, indexes: Sequence[KeptIndex]) -> tuple[Searchable, Background]:
    """Return what to search, and what its similarities are compared with."""
    if len(indexes) == 1:
        return indexes[0].index, indexes[0].background()
    together = JointIndex([each.index for each in indexes], list(joint.places.values()))
    return together, draw_background(together)


def _allowed(
    tx: Transaction,
    filters: FilterMemory,
    request: SearchRequest,
    references: Sequence[Reference],
    faults: list[Fault],
) -> Numbers | None:
    if request.where is None:
        return None
    tracks = [reference.track for reference in references]
    try:
        where = resolve_same_as_query(request.where, tracks)
        return filters.allowed_numbers(tx, request.library_id, where)
    except InvalidRequest as error:
        faults += error.faults or [Fault("filter", str(error))]
        return None


def _sources(joint: JointSpace, references: Sequence[Reference], tags: Sequence[AskedTag]) -> Vectors:
    """Return (T, D) the vectors of all terms, in the order of the query."""
    sources = {reference.term: reference.vector for reference in references}
    sources |= {tag.term: tag.vector(joint) for tag in tags}
    return np.stack([sources[term] for term in sorted(sources)])
