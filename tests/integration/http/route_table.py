"""Every route of the HTTP interface: who may call it, and how one would reach for another library through it.

A route that is not in this table fails ``test_isolation`` and ``test_scopes``: add it to ``ROUTES`` with the scope
that it needs and a call for every place in which an id can be named, as path, query or body. ``{track}`` and the
like stand for ids (``SUBJECTS``); parameters of paths are filled by their names.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.keys import Scope

NOBODY = None
READ, WRITE, ADMIN = Scope.READ, Scope.WRITE, Scope.ADMIN

SUBJECTS = ("track", "clip", "job", "brief", "weighting", "key", "map")
"""What a library has ids of."""


@dataclass(frozen=True)
class Ask:
    """One call of a route. ``path`` says what stands for a parameter, where its name does not."""

    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    file: bytes | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)

    def asks_for_another(self, call):
        """Whether it names an id of another library."""
        named = {self.path.get(name, name.removesuffix("_id")) for name in re.findall(r"{(\w+)}", call)}
        text = json.dumps([self.query, self.body, self.form])
        return any(subject in named or "{" + subject + "}" in text for subject in SUBJECTS)

    def send(self, client, call, ids, headers):
        """Send it with these ids, by subject; ids of the caller's own are named ``my_…``."""
        method, template = call.split(" ")

        def filled(found):
            subject = self.path.get(found[1], found[1].removesuffix("_id"))
            return ids.get(subject, subject)

        address = re.sub(r"{(\w+)}", filled, template)
        given = {"params": _filled(self.query, ids), "headers": headers}
        if self.body is not None:
            given["json"] = _filled(self.body, ids)
        if self.file is not None:
            given |= {"files": {"file": ("a.wav", self.file)}, "data": _filled(self.form, ids)}
        return client.request(method, address, **given)


def _filled(value, ids):
    text = json.dumps(value)
    for subject, each in ids.items():
        text = text.replace("{" + subject + "}", each)
    return json.loads(text)


@dataclass(frozen=True)
class Route:
    """Who may call it and how. ``every_library``: it concerns all, so only the default one's keys will do."""

    scope: Scope | None
    asks: tuple[Ask, ...] = (Ask(),)
    every_library: bool = False


RIFF = b"RIFF" + bytes(64)
BY_ID = {"field": "id", "equals": "{track}"}
REFERENCE = {"reference": {"track": "{track}"}}
BY_TRACK = {"terms": [{"track": "{track}"}]}
KINDS, WHATS = ("csv", "json", "m3u"), ("matches", "shortlist")
PROMOTED = (Ask(path={"encoder_id": "track"}),)
WEIGHTING = {"name": "a", "encoder": "fake", "weights": {"timbre": 1}}
MINE = {"terms": [{"track": "{my_track}"}]}

ROUTES = {
    "POST /v1/tracks": Route(WRITE, (Ask(file=RIFF),)),
    "GET /v1/tracks": Route(
        READ,
        (
            Ask(),
            Ask({"text": "quetzal"}),
            Ask({"filter": json.dumps(BY_ID)}),
            Ask({"filter": json.dumps({"not": BY_ID})}),
            Ask({"filter": json.dumps({"field": "all_tags", "in": ["quetzal"]})}),
        ),
    ),
    "GET /v1/tracks/{track_id}": Route(READ, (Ask(), Ask(path={"track_id": "clip"}))),
    "PATCH /v1/tracks/{track_id}": Route(WRITE, (Ask(body={"title": "mine now"}),)),
    "DELETE /v1/tracks/{track_id}": Route(WRITE, (Ask(), Ask(path={"track_id": "clip"}))),
    "GET /v1/tracks/{track_id}/audio": Route(READ),
    "GET /v1/tracks/{track_id}/embedding": Route(READ),
    "GET /v1/tracks/{track_id}/tags": Route(READ),
    "GET /v1/tracks/{track_id}/waveform": Route(READ),
    "POST /v1/clips": Route(READ, (Ask(file=RIFF),)),
    "GET /v1/clips/{clip_id}": Route(READ, (Ask(), Ask(path={"clip_id": "track"}))),
    "DELETE /v1/clips/{clip_id}": Route(WRITE, (Ask(), Ask(path={"clip_id": "track"}))),
    "GET /v1/clips/{clip_id}/audio": Route(READ),
    "GET /v1/clips/{clip_id}/waveform": Route(READ),
    "POST /v1/search": Route(
        READ,
        (
            Ask(body=BY_TRACK),
            Ask(body={"terms": [{"clip": "{clip}"}]}),
            Ask(body={"terms": [*MINE["terms"], {"track": "{track}", "weights": {"timbre": -1}}]}),
            Ask(body=MINE | {"k": 100}),
            Ask(body=MINE | {"filter": BY_ID}),
            Ask(body={"terms": [{"tag": "calm"}], "k": 100}),
        ),
    ),
    "POST /v1/search/batch": Route(READ, (Ask(body={"searches": [BY_TRACK, MINE, MINE | {"filter": BY_ID}]}),)),
    "POST /v1/search/sections": Route(
        READ, (Ask(body=MINE | {"track": "{track}"}), Ask(body=BY_TRACK | {"track": "{my_track}"}))
    ),
    "POST /v1/search/audio": Route(READ, (Ask(file=RIFF, form={"query": json.dumps(BY_TRACK)}),)),
    "POST /v1/replacements": Route(
        READ, (Ask(body=REFERENCE), Ask(body={"reference": MINE["terms"][0], "terms": BY_TRACK["terms"]}))
    ),
    "POST /v1/briefs": Route(WRITE, (Ask(body={"name": "a", "request": REFERENCE}),)),
    "GET /v1/briefs": Route(READ),
    "GET /v1/briefs/gaps": Route(READ, (Ask(), Ask({"min_similarity": "1"}))),
    "GET /v1/briefs/{brief_id}": Route(READ),
    "PATCH /v1/briefs/{brief_id}": Route(
        WRITE,
        (
            Ask(body={"note": "mine now"}),
            Ask(body={"request": REFERENCE}, path={"brief_id": "my_brief"}),
        ),
    ),
    "DELETE /v1/briefs/{brief_id}": Route(WRITE),
    "POST /v1/briefs/{brief_id}/run": Route(READ, (Ask(), Ask(path={"brief_id": "my_brief"}))),
    "GET /v1/briefs/{brief_id}/decisions": Route(READ, (Ask(), Ask(path={"brief_id": "my_brief"}))),
    "PUT /v1/briefs/{brief_id}/decisions/{track_id}": Route(
        WRITE,
        (
            Ask(body={"verdict": "shortlisted"}, path={"track_id": "my_track"}),
            Ask(body={"verdict": "shortlisted"}, path={"brief_id": "my_brief"}),
        ),
    ),
    "DELETE /v1/briefs/{brief_id}/decisions/{track_id}": Route(
        WRITE, (Ask(), Ask(path={"track_id": "my_track"}), Ask(path={"brief_id": "my_brief"}))
    ),
    "GET /v1/briefs/{brief_id}/deliveries": Route(READ),
    "GET /v1/briefs/{brief_id}/export": Route(
        READ,
        tuple(
            Ask({"format": kind, "what": what})
            for kind in ("csv", "json", "m3u")
            for what in ("matches", "shortlist")
        ),
    ),
    "POST /v1/feedback": Route(
        READ,
        (
            Ask(body={"search": BY_TRACK, "liked": ["{my_track}"]}),
            Ask(body={"search": MINE, "liked": ["{track}"]}),
            Ask(body={"search": MINE, "disliked": ["{track}"]}),
        ),
    ),
    "GET /v1/weightings": Route(READ),
    "POST /v1/weightings": Route(WRITE, (Ask(body=WEIGHTING),)),
    "PUT /v1/weightings/{weighting_id}": Route(WRITE, (Ask(body=WEIGHTING | {"name": "mine now"}),)),
    "DELETE /v1/weightings/{weighting_id}": Route(WRITE),
    "GET /v1/tags": Route(READ),
    "GET /v1/tags/counts": Route(READ),
    "GET /v1/jobs": Route(READ, (Ask(), Ask({"subject": "{track}"}), Ask({"state": "queued"}))),
    "GET /v1/jobs/{job_id}": Route(READ),
    "POST /v1/jobs/{job_id}/cancel": Route(WRITE),
    "POST /v1/jobs/{job_id}/retry": Route(WRITE),
    "GET /v1/events": Route(READ, ()),
    "GET /v1/encoders": Route(READ),
    "POST /v1/encoders/{encoder_id}/promote": Route(
        ADMIN, (Ask(path={"encoder_id": "track"}),), every_library=True
    ),
    "GET /v1/encoders/{name}/components": Route(READ, (Ask(path={"name": "fake"}),)),
    "POST /v1/map": Route(WRITE, (Ask(body={}), Ask(body={"encoder": "fake"}))),
    "GET /v1/map": Route(READ),
    "GET /v1/maps": Route(READ),
    "GET /v1/keys": Route(ADMIN),
    "POST /v1/keys": Route(ADMIN, (Ask(body={"name": "a"}),)),
    "DELETE /v1/keys/{key_id}": Route(ADMIN),
    "GET /v1/session": Route(READ),
    "POST /v1/session": Route(NOBODY, (Ask(body={"key": "{key}"}),)),
    "DELETE /v1/session": Route(NOBODY),
    "GET /v1/settings": Route(ADMIN, every_library=True),
    "GET /v1/stats": Route(READ),
    "POST /v1/index/check": Route(ADMIN),
    "POST /v1/index/rebuild": Route(ADMIN, every_library=True),
    "GET /healthz": Route(NOBODY),
    "GET /readyz": Route(NOBODY),
    "GET /metrics": Route(READ, every_library=True),
}


def routes_of(app):
    """Every route of the OpenAPI document, as it is written in the table."""
    return {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}


def must_be_complete(app):
    """Fail where the table and the interface differ."""
    known = set(ROUTES)
    served = routes_of(app)
    assert served <= known, f"not in ROUTES of {__name__}: {sorted(served - known)}"
    assert known <= served, f"in ROUTES of {__name__}, but not served: {sorted(known - served)}"
