"""Composition root of the child process: what embeds tracks, put together from the settings."""

import os
from collections.abc import Iterable, Mapping
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import structlog
import torch

from app.database import Database, Transaction
from app.domain import DEFAULT_LIBRARY, ChangeKind, EncoderInfo, Job
from app.errors import ConfigurationError
from app.logs import configure_logging
from app.settings import Settings
from app.wiring import open_audio_store, open_database
from models.analysis import analyse
from models.audio import DecodedAudio, decode
from models.encoder import Encoder, Floats, embed
from models.errors import ModelError
from models.registry import load_encoder, resolve_device
from workers.batcher import Batcher, claim_threads
from workers.crew import Crew
from workers.dispatch import Dispatch
from workers.embed import ANALYSIS_RATE_HZ, EmbedJobs, to_encoder_info
from workers.messages import Ready, Unfit
from workers.outage import outlast
from workers.watch import Watch

log = structlog.get_logger(__name__)

WARM_UP_S: Final = 5.0
"""Of noise: more than any encoder needs at least."""


def main(connection: Connection, plan: "tuple[Settings, int]") -> None:
    """Embed what comes through the pipe.

    Args:
        connection: To the supervisor.
        plan: Settings, and how many jobs come at once.
    """
    settings, threads = plan
    configure_logging(settings.log_level, json=settings.log_json)
    try:
        device = resolve_device(settings.device)
        loaded = load_encoders(settings, device)
        database = open_database(settings)
        encoders = announce(database, loaded)
    except (ModelError, ConfigurationError) as error:
        connection.send(Unfit(str(error)))
        return
    jobs = EmbedJobs(
        database=database,
        store=open_audio_store(settings),
        encoders=encoders,
        batcher=Batcher(device_threads=os.cpu_count()),
        decode=partial(_decode, settings.max_duration_s),
        analyse=analyse,
    )
    warm_up(loaded)
    work = Dispatch(embed=jobs, draw=partial(_draw, database))
    crew = Crew(connection, work, threads, prepare_thread=partial(_prepare_thread, device))
    crew.tell(Ready(str(device), tuple(encoders)))
    crew.serve()


def load_encoders(settings: Settings, device: torch.device) -> list[Encoder]:
    """Load every encoder that the settings name."""
    folders: tuple[Path, ...] = (settings.artifacts_dir,) if settings.artifacts_dir else ()
    return [load_encoder(name, device, folders) for name in settings.encoders]


def announce(database: Database, encoders: list[Encoder]) -> Mapping[str, Encoder]:
    """Tell the catalogue which encoders there are, and key them by the ids that it gives them.

    Of one that it did not know, those hear who follow the change log: indexes are made for it, and pages show it.
    """

    def write() -> dict[str, Encoder]:
        with database.transaction() as tx:
            return {_announce(tx, to_encoder_info(encoder)): encoder for encoder in encoders}

    return outlast(write)


def _announce(tx: Transaction, brought: EncoderInfo) -> str:
    before = tx.catalogue.encoders()
    known = tx.catalogue.announce_encoder(brought)
    if known not in before:
        tx.changes.append(DEFAULT_LIBRARY, ChangeKind.ENCODER_UPDATED, known.id)
    if any(each.id == known.id and each.tags != known.tags for each in before):
        tx.catalogue.forget_heard()
    return known.id


def warm_up(encoders: Iterable[Encoder]) -> None:
    """Embed a little noise: else the first job, maybe a person's, waits for what is made at its first use."""
    analyse(_noise(ANALYSIS_RATE_HZ))
    for encoder in encoders:
        embed(encoder, _noise(encoder.manifest.sample_rate_hz))


def _noise(sample_rate_hz: int) -> Floats:
    samples = round(WARM_UP_S * sample_rate_hz)
    return np.random.default_rng(0).normal(scale=0.1, size=samples).astype(np.float32)


def _draw(database: Database, job: Job, watch: Watch) -> None:
    from workers.draw_map import MapJobs  # noqa: PLC0415 - takes a second, and most workers never draw

    MapJobs(database)(job, watch)


def _prepare_thread(device: torch.device) -> None:
    claim_threads(1)  # tracks in flight keep the cores busy already
    structlog.contextvars.bind_contextvars(device=str(device))


def _decode(max_duration_s: float, file: BinaryIO, sample_rate_hz: int) -> DecodedAudio:
    return decode(file, sample_rate_hz=sample_rate_hz, max_duration_s=max_duration_s)
