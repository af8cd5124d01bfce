"""Composition root of the web process: settings and ports in, an application out."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool

from app.api import problems
from app.api.metrics import CensusCollector, RequestMetrics
from app.api.middleware import BodyLimit, RequestContext
from app.api.openapi import describe
from app.api.origin import SameOriginWrites
from app.api.replacement_schemas import stored_request
from app.api.response_headers import ResponseHeaders
from app.api.routes import ROUTERS
from app.api.threads import reserve_upload_threads
from app.ports import Ports
from app.services.access import AccessService, is_loopback
from app.services.assembly import Assembly
from app.services.brief_gaps import GapFinder
from app.services.brief_runs import BriefRunner
from app.services.brief_watch import BriefWatch
from app.services.briefs import BriefService
from app.services.deliveries import Courier
from app.services.feed import ChangeFeed
from app.services.feedback import FeedbackService
from app.services.housekeeping import Housekeeper
from app.services.indexing import IndexKeeper
from app.services.ingest import IngestService, QueueLimits
from app.services.maps import MapService
from app.services.rate_limits import RateLimits
from app.services.replacements import ReplacementService
from app.services.search import SearchService
from app.services.sections import SectionService
from app.services.sessions import SessionService
from app.services.track_counts import TrackCounts
from app.services.tracks import TrackService
from app.services.weightings import WeightingService
from app.settings import Settings
from app.web import pages
from app.wiring import open_ports


def create_app(settings: Settings, ports: Ports | None = None) -> FastAPI:
    """Put the web application together.

    Args:
        settings: Where to listen, what to allow.
        ports: The outside world; by default what the settings name. The application closes them when it ends.

    Raises:
        ConfigurationError: It would listen to strangers without asking for a key.
    """
    assembly = assemble(settings, ports or open_ports(settings))
    assembly.access.check_bind(settings.host)
    app = FastAPIOffline(**describe(), lifespan=_lifespan(assembly))
    app.state.settings = settings
    app.state.assembly = assembly
    app.state.registry = CollectorRegistry()
    _install(app, assembly)
    return app


def assemble(settings: Settings, ports: Ports) -> Assembly:
    """Put the services over their ports."""
    admin_key = settings.admin_key.get_secret_value() if settings.admin_key else None
    ingest = IngestService(
        ports.database,
        ports.store,
        ports.probe,
        ports.doorbell,
        QueueLimits(tracks=settings.queue_limit, clips=settings.clip_queue_limit),
    )
    tracks = TrackService(ports.database, ports.store)
    access = AccessService(ports.database, admin_key=admin_key, loopback=is_loopback(settings.host))
    limits = RateLimits(ports.limiter, settings.rate_limit)
    sessions = SessionService(ports.database, access, limits)
    keeper = IndexKeeper(ports.database, ports.new_index, settings.snapshot_dir, snapshot_s=settings.snapshot_s)
    counts = TrackCounts(keeper)
    search = SearchService(ports.database, keeper)
    replacements = ReplacementService(ports.database, search)
    runner = BriefRunner(ports.database, replacements, stored_request)
    watch = BriefWatch(ports.database, keeper, runner)
    return Assembly(
        ports=ports,
        access=access,
        limits=limits,
        sessions=sessions,
        ingest=ingest,
        tracks=tracks,
        feed=ChangeFeed(ports.database),
        housekeeper=Housekeeper(ports.database, tracks, ingest, settings.encoders),
        keeper=keeper,
        search=search,
        sections=SectionService(ports.database, search),
        replacements=replacements,
        briefs=BriefService(ports.database, runner, watch, ports.sender),
        brief_runs=runner,
        brief_watch=watch,
        gaps=GapFinder(ports.database, runner),
        feedback=FeedbackService(ports.database, search),
        weightings=WeightingService(ports.database),
        courier=Courier(ports.database, ports.sender),
        maps=MapService(ports.database, ports.doorbell),
        counts=counts,
    )


def _install(app: FastAPI, assembly: Assembly) -> None:
    metrics = RequestMetrics(app.state.registry)
    app.state.registry.register(CensusCollector(assembly))
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(SameOriginWrites)
    app.add_middleware(RequestContext, observe=metrics.observe)
    app.add_middleware(ResponseHeaders)
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(pages.router)


def _lifespan(assembly: Assembly) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        reserve_upload_threads(app)
        with ExitStack() as stack:
            _start(assembly, stack)
            try:
                yield
            finally:
                await run_in_threadpool(stack.close)

    return lifespan


def _start(assembly: Assembly, stack: ExitStack) -> None:
    """Start what runs beside the requests; the stack stops it in the opposite order."""
    ports = assembly.ports
    stack.callback(ports.database.close)
    stack.callback(ports.probe.close)
    stack.callback(ports.limiter.close)
    parts = (
        assembly.keeper,
        assembly.feed,
        assembly.housekeeper,
        assembly.brief_watch,
        assembly.courier,
        ports.worker,
    )
    for part in parts:
        if part is not None:
            part.start()
            stack.callback(part.close)
