"""A disk without room."""

import resource
from contextlib import contextmanager

import pytest


@contextmanager
def no_room(left_bytes=1_000):
    """As on a full disk: files end after so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (left_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="session", name="no_room")
def _no_room():
    return no_room
