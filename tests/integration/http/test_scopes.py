"""Every route, with every kind of key."""

from datetime import timedelta

import pytest

from app.domain import DEFAULT_LIBRARY, Library, new_id, utc_now
from app.keys import Scope
from app.services.access import AccessService
from tests.integration.http.route_table import ROUTES, SUBJECTS, must_be_complete

UNPROVEN, FORBIDDEN = 401, 403


@pytest.fixture(scope="module")
def guarded(serve_all):
    """A service with keys of every kind; ``headers`` holds what each sends."""
    service = serve_all(rate_limit=0, clip_wait_s=0)
    access = AccessService(service.database, admin_key=None, loopback=True)
    other = Library(new_id(), "other")
    with service.database.transaction() as tx:
        tx.catalogue.add_library(other)

    def bearer(scope, library=DEFAULT_LIBRARY, by=access, **values):
        key, secret = by.create_key(library, "test", scope, **values)
        return key, {"Authorization": f"Bearer {secret}"}

    past = AccessService(
        service.database, admin_key=None, loopback=True, clock=lambda: utc_now() - timedelta(days=2)
    )
    revoked, service.headers = bearer(Scope.ADMIN)[0], {}
    for scope in Scope:
        service.headers[scope] = bearer(scope)[1]
    service.headers["admin of another library"] = bearer(Scope.ADMIN, other.id)[1]
    service.headers["expired"] = bearer(Scope.ADMIN, by=past, expires_at=utc_now() - timedelta(days=1))[1]
    revoked, service.headers["revoked"] = bearer(Scope.ADMIN)
    access.revoke(DEFAULT_LIBRARY, revoked.id)
    service.headers["unknown"] = {"Authorization": "Bearer sk_guess"}
    service.headers["none"] = {}
    return service


def test_every_route_is_in_the_table(guarded):
    must_be_complete(guarded.app)


def status_of(service, call, holder):
    """The status of the first way of calling a route, about things that are not there."""
    if call == "GET /v1/events":
        with service.http.stream("GET", "/v1/events", headers=service.headers[holder]) as answer:
            return answer.status_code
    nothing = {name: new_id() for subject in SUBJECTS for name in (subject, f"my_{subject}")}
    return ROUTES[call].asks[0].send(service.http, call, nothing, service.headers[holder]).status_code


@pytest.mark.parametrize("call", ROUTES)
def test_a_key_may_do_what_its_scope_says_and_nothing_else(guarded, call):
    route = ROUTES[call]
    if call == "POST /v1/session":
        assert status_of(guarded, call, "none") == UNPROVEN  # what it was given is no key
        return
    for holder in guarded.headers:
        status = status_of(guarded, call, holder)
        if route.scope is None:
            assert status not in {UNPROVEN, FORBIDDEN}, holder
        elif holder in {"none", "unknown", "expired", "revoked"}:
            assert status == UNPROVEN, holder
        elif holder == "admin of another library":
            assert (status == FORBIDDEN) == route.every_library, holder
        else:
            assert (status == FORBIDDEN) == (not holder.allows(route.scope)), (holder, status)
        assert status < 500 or call == "GET /readyz", (holder, status)
