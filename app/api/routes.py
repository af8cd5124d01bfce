"""Every router of the HTTP interface."""

from collections.abc import Sequence

from fastapi import APIRouter

from app.api import clips, components, encoders, events, health, jobs, keys, search, stats, tags, tracks

ROUTERS: Sequence[APIRouter] = (
    tracks.router,
    clips.router,
    search.router,
    tags.router,
    jobs.router,
    events.router,
    encoders.router,
    components.router,
    keys.router,
    stats.router,
    health.router,
)
