"""One job: the audio of a track or clip becomes analysis and vectors in the catalogue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from app.component_meaning import ComponentMeaning
from app.database import Database
from app.domain import (
    Analysis,
    ChangeKind,
    Embedding,
    EncoderInfo,
    Job,
    Space,
    Tally,
    Track,
    TrackKind,
    TrackState,
    new_id,
)
from app.errors import NotEmbedded, NotFound, SoundkinError
from app.ports import AudioStore
from app.services.hearing import listen
from app.tag_directions import TagDirections
from models.audio import DecodedAudio, waveform_to_peaks
from models.encoder import Encoder
from workers.batcher import Batcher
from workers.finish import finish
from workers.outage import outlast
from workers.watch import Watch

log = structlog.get_logger(__name__)


class Measures(Protocol):
    """What an analysis finds in a waveform."""

    @property
    def tempo_bpm(self) -> float | None: ...
    @property
    def tempo_confidence(self) -> float: ...
    @property
    def key(self) -> str | None: ...
    @property
    def key_confidence(self) -> float: ...


Decode = Callable[[BinaryIO, int], DecodedAudio]
"""Reads a file as a waveform at a sample rate in Hz."""

Analyse = Callable[[NDArray[np.float32]], Measures]
"""Measures (T,) mono samples at ``ANALYSIS_RATE_HZ``."""

ANALYSIS_RATE_HZ = 22_050


@dataclass(frozen=True, slots=True)
class _Result:
    """What was found out about a track. ``peaks`` are bytes as of ``Catalogue.save_waveform``."""

    analysis: Analysis
    embeddings: Sequence[Embedding]
    peaks: bytes


@dataclass(frozen=True, slots=True)
class EmbedJobs:
    """Does embedding jobs; called from several threads at once.

    Attributes:
        database: Where track, vectors and the job itself stand.
        store: Where the audio is.
        encoders: Keyed by ``EncoderInfo.id``.
        batcher: Runs them.
        decode: From file to waveform.
        analyse: From waveform to tempo and key.
    """

    database: Database
    store: AudioStore
    encoders: Mapping[str, Encoder]
    batcher: Batcher
    decode: Decode
    analyse: Analyse

    def __call__(self, job: Job, watch: Watch) -> None:
        """Do one job and finish it.

        Raises:
            LeaseLost: It had become somebody else's; nothing was stored.
            JobDropped: Nobody waits for it any more; nothing was stored.
        """
        track, missing = outlast(lambda: self._look_up(job), watch.check)
        waveforms: dict[int, DecodedAudio] = {}
        if missing:
            watch.reach("decode", 0.0)
            for rate_hz in {ANALYSIS_RATE_HZ} | {self.encoders[one].manifest.sample_rate_hz for one in missing}:
                waveforms[rate_hz] = self._decode(track, rate_hz)
        result = self._result(job, track, missing, waveforms, watch) if missing else None
        watch.reach("store", 0.95)
        outlast(lambda: self._commit(job, track, result))
        if not track.keep_audio:
            self._forget_audio(track)
        for encoder, (batches, rows) in self.batcher.take_fill().items():
            watch.count(Tally(f"batch:{encoder}", batches, float(rows)))

    def _look_up(self, job: Job) -> tuple[Track, Sequence[str]]:
        """The track, and the encoders of which it has no vectors yet."""
        with self.database.transaction(read_only=True) as tx:
            track = tx.catalogue.track(job.library_id, job.subject)
            missing = []
            for encoder_id in self.encoders:
                try:
                    tx.catalogue.embedding(track.id, encoder_id)
                except NotEmbedded:
                    missing.append(encoder_id)
            return track, missing

    def _decode(self, track: Track, rate_hz: int) -> DecodedAudio:
        if track.audio.key is None:
            raise NotFound(f"The audio of {track.id} was deleted, so nothing can be measured; upload it again.")
        with self.store.open(track.audio.key) as file:
            return self.decode(file, rate_hz)

    def _result(
        self, job: Job, track: Track, missing: Sequence[str], waveforms: Mapping[int, DecodedAudio], watch: Watch
    ) -> _Result:
        watch.reach("analyse", 0.3)
        heard = waveforms[ANALYSIS_RATE_HZ]
        analysis = to_analysis(heard, self.analyse(heard.waveform))
        certainty = dict(track.analysis.certainty) if track.analysis else {}
        embeddings = []
        for place, encoder_id in enumerate(missing):
            start = 0.4 + 0.5 * place / len(missing)
            encoder = self.encoders[encoder_id]
            watch.reach("features", start)
            prepared = encoder.prepare(waveforms[encoder.manifest.sample_rate_hz].waveform)
            watch.reach("embed", start + 0.3 / len(missing))
            outputs = self.batcher.encode(encoder, prepared.inputs, job.priority)
            vectors = encoder.pool(prepared, outputs)
            embeddings.append(Embedding(encoder_id, vectors.vector, vectors.spans_s, vectors.segments))
            if vectors.certainty is not None:
                certainty[encoder.manifest.name] = vectors.certainty
        peaks = waveform_to_peaks(heard.waveform).tobytes()
        return _Result(replace(analysis, certainty=certainty), embeddings, peaks)

    def _commit(self, job: Job, track: Track, result: _Result | None) -> None:
        """Result and end of the job together, or nothing. The job comes first, as ``finish`` asks.

        Tried until there is an answer, also when the supervisor says meanwhile that the job is nobody's any more:
        it may be so because it is done.
        """
        with self.database.transaction() as tx:
            if not finish(tx, job) or result is None:
                return
            tx.catalogue.save_analysis(track.id, result.analysis)
            tx.catalogue.save_waveform(track.id, result.peaks)
            for embedding in result.embeddings:
                tx.catalogue.save_embedding(track.id, embedding)
            tx.catalogue.set_state(track.id, TrackState.READY)
            if track.kind is TrackKind.TRACK:
                listen(tx, [track.number])
            tx.changes.append(track.library_id, ChangeKind.TRACK_EMBEDDED, track.id, track.number)

    def _forget_audio(self, track: Track) -> None:
        """Delete what was only needed for its vectors. If that fails, the clip's expiry does it later."""
        try:
            if track.audio.key is not None:
                self.store.delete(track.audio.key)
            with self.database.transaction() as tx:
                tx.catalogue.set_audio_key(track.id, None)
        except SoundkinError as error:
            log.warning("audio.not_deleted", key=track.audio.key, error=str(error))


def to_analysis(heard: DecodedAudio, measures: Measures) -> Analysis:
    """What the decoder and the analysis found, as the catalogue keeps it."""
    return Analysis(
        duration_s=heard.duration_s,
        loudness_lufs=heard.loudness_lufs,
        tempo_bpm=measures.tempo_bpm,
        tempo_confidence=measures.tempo_confidence,
        key=measures.key,
        key_confidence=measures.key_confidence,
        sample_rate_hz=heard.sample_rate_hz,
        channels=heard.channels,
        codec=heard.codec,
        decode_warnings=heard.warnings,
    )


def to_encoder_info(encoder: Encoder) -> EncoderInfo:
    """What the catalogue is told of an encoder; it gives it an id unless it knows name and digest already."""
    manifest = encoder.manifest
    return EncoderInfo(
        id=new_id(),
        name=manifest.name,
        version=manifest.version,
        digest=manifest.digest,
        spaces=tuple(Space(space.name, space.dimension, space.description) for space in manifest.spaces),
        tags={
            space: TagDirections(tags.names, tags.directions, tags.scale, tags.offset)
            for space, tags in encoder.tags.items()
        },
        components={
            space: tuple(ComponentMeaning(meaning.share, meaning.tags) for meaning in meanings)
            for space, meanings in encoder.components.items()
        },
    )
