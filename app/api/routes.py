"""Every router of the HTTP interface."""

from collections.abc import Sequence

from fastapi import APIRouter

from app.api import clips, encoders, events, health, jobs, keys, tracks

ROUTERS: Sequence[APIRouter] = (
    tracks.router,
    clips.router,
    jobs.router,
    events.router,
    encoders.router,
    keys.router,
    health.router,
)
