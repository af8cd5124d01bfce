"""Turning a search request into one vector and the tracks that may be found, or into everything wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.database import Database, Numbers, Transaction
from app.domain import EncoderInfo, EncoderState, Vectors
from app.errors import Fault, InvalidQuery, InvalidRequest, NotEmbedded, Transient
from app.query import Query, Weights, compose, weight_faults, weight_matrix
from app.retrieval import MAX_K, MAX_TERMS, AnyTerm, SearchRequest, Term
from app.services import calibration
from app.services.indexing import IndexKeeper
from app.services.kept_index import KeptIndex
from app.services.references import Reference, ReferenceReader, own_numbers, resolve_same_as_query
from app.services.stopwatch import Stopwatch
from app.services.tags import AskedTag, asked_tags


@dataclass(frozen=True, slots=True)
class Plan:
    """A search that was found answerable.

    Attributes:
        request: What was asked.
        encoder: Whose vectors.
        kept: The index to search.
        query: The one vector.
        tags: The tag terms.
        own: Numbers of tracks that must not be found.
        allowed: Numbers that the filter left; ``None`` without a filter.
    """

    request: SearchRequest
    encoder: EncoderInfo
    kept: KeptIndex
    query: Query
    tags: Sequence[AskedTag]
    own: Numbers
    allowed: Numbers | None


def make_plan(database: Database, keeper: IndexKeeper, request: SearchRequest, watch: Stopwatch) -> Plan:
    """Check the request and work out what to ask the index.

    Raises:
        InvalidQuery: Everything that is wrong with the request, together.
        NotFound: A reference is not in the library.
        NotEmbedded: A reference has no vectors by the encoder yet.
        Transient: The index is still being loaded.
    """
    with database.transaction(read_only=True) as tx:
        with watch.stage("resolve"):
            faults = _request_faults(request)
            encoder = _find_encoder(tx, request.encoder, faults)
            kept = keeper.get(request.library_id, encoder.id)  # at once: another may be promoted meanwhile
            tags = asked_tags(encoder, request.terms[:MAX_TERMS], faults)
            weights = _weights(request.terms, tags)
            faults += weight_faults(weights, encoder.spaces)
            reader = ReferenceReader(tx, request.library_id, encoder, faults)
            references = reader.read(request.terms[:MAX_TERMS])
        with watch.stage("filter"):
            allowed = _allowed(tx, request, references, faults)
        reader.raise_faults()
        own = own_numbers(tx, [reference.track for reference in references])
    if kept is None:
        raise Transient(f"The index of the encoder {encoder.name!r} is being loaded; try again in a moment.")
    scale = calibration.scale(kept.calibration) if request.calibrate else None
    query = compose(encoder.spaces, _sources(references, tags), weight_matrix(weights, encoder.spaces), scale)
    return Plan(request, encoder, kept, query, tags, np.fromiter(own, dtype=np.int64), allowed)


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


def _find_encoder(tx: Transaction, name: str | None, faults: Sequence[Fault]) -> EncoderInfo:
    ready = [encoder for encoder in tx.catalogue.encoders() if encoder.state is EncoderState.READY]
    if not ready:
        raise NotEmbedded(
            "No encoder is there yet, so nothing is embedded. Start a worker: it brings its encoders."
        )
    for encoder in ready:
        if encoder.name == name or (name is None and encoder.is_default):
            return encoder
    names = ", ".join(encoder.name for encoder in ready)
    message = f"There is no encoder {name!r}." if name else "No encoder is the default one; name the encoder."
    unknown = Fault("encoder", f"{message} Those that can be searched: {names}.")
    raise InvalidQuery(unknown.message, [*faults, unknown])


def _allowed(
    tx: Transaction, request: SearchRequest, references: Sequence[Reference], faults: list[Fault]
) -> Numbers | None:
    if request.where is None:
        return None
    tracks = [reference.track for reference in references]
    try:
        return tx.catalogue.allowed_numbers(request.library_id, resolve_same_as_query(request.where, tracks))
    except InvalidRequest as error:
        faults += error.faults or [Fault("filter", str(error))]
        return None


def _weights(terms: Sequence[AnyTerm], tags: Sequence[AskedTag]) -> list[Weights]:
    """Return the weights of each term; of a tag that was not understood those that nobody can find fault with."""
    by_term = {tag.term: {tag.space: tag.weight} for tag in tags}
    return [term.weights if isinstance(term, Term) else by_term.get(place) for place, term in enumerate(terms)]


def _sources(references: Sequence[Reference], tags: Sequence[AskedTag]) -> Vectors:
    """Return (T, D) the vectors of all terms, in the order of the query."""
    sources: list[Reference | AskedTag] = [*references, *tags]
    return np.stack([source.vector for source in sorted(sources, key=lambda source: source.term)])
