"""Every router of the HTTP interface."""

from collections.abc import Sequence

from fastapi import APIRouter

from app.api import (
    briefs,
    clips,
    components,
    configuration,
    encoders,
    events,
    feedback,
    health,
    jobs,
    keys,
    maps,
    replacements,
    search,
    session,
    stats,
    tags,
    tracks,
    weightings,
)

ROUTERS: Sequence[APIRouter] = (
    search.router,
    tracks.router,
    clips.router,
    replacements.router,
    briefs.router,
    feedback.router,
    weightings.router,
    tags.router,
    jobs.router,
    events.router,
    encoders.router,
    components.router,
    maps.router,
    keys.router,
    session.router,
    configuration.router,
    stats.router,
    health.router,
)
"""Tried in this order, so what is asked most often comes first."""
