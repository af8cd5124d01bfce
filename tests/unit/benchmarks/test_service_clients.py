"""What clients of a service notice is told from what the service does."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.domain import DEFAULT_LIBRARY, Metadata, StoredAudio, Track, TrackKind, new_id
from benchmarks.service_clients import Answers, Asking, Pace, ask
from benchmarks.service_questions import FILTERS, WEIGHTS, mixed, questions
from benchmarks.service_records import Live, Load, Searched


@pytest.fixture
def tracks():
    audio = StoredAudio(None, "0" * 64, 1, "audio/mpeg", "a.mp3")
    return [
        Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, Metadata("a", f"artist {n}"), audio) for n in range(5)
    ]


@pytest.fixture
def served():
    """A server that answers every search alike, and the bodies that came."""
    came = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append(body)
            answer = json.dumps({"took_ms": {"index": 0.25, "rerank": 0.5}}).encode()
            self.send_response(500 if body == b"bad" else 200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", came
        server.shutdown()
        thread.join()


def test_overhead_is_what_the_index_did_not_take():
    answers = Answers([(5.0, {"index": 2.0, "rerank": 1.0}), (7.0, {"rerank": 3.0}), (9.0, {"index": 4.0})], 2.0)
    assert answers.overhead_ms() == [3.0, 7.0, 5.0]
    assert answers.stages_ms() == {"index": 3.0, "rerank": 2.0}


def test_one_client_asks_as_often_as_it_should_and_errors_do_not_count(served):
    url, came = served
    answers = ask(Asking(url, [b"good", b"bad"], Pace(1, 0.0, at_least=6)))
    assert (len(answers.found), answers.refused) == (3, 3)
    assert came == [b"bad", b"good", b"bad", b"good", b"bad", b"good", b"bad"]
    assert answers.overhead_ms() == [latency - 0.25 for latency in answers.latency_ms()]


def test_a_client_that_paces_itself_waits_between_searches(served):
    answers = ask(Asking(served[0], [b"good"], Pace(1, 0.25, every_s=0.1)))
    assert len(answers.found) == 3
    assert answers.seconds >= 0.3


def test_each_search_has_its_filter_and_weights(tracks):
    for filter_ in FILTERS:
        for weights in WEIGHTS:
            asked = [json.loads(body) for body in questions(tracks, filter_, weights).bodies]
            assert [body["terms"][0]["track"] for body in asked] == [track.id for track in tracks]
            assert all((body["filter"] is None) == (filter_ == "none") for body in asked)
    one = json.loads(questions(tracks, "one artist", "one space").bodies[1])
    other = json.loads(questions(tracks, "one artist", "uniform").bodies[1])
    assert one["filter"] == {"field": "artist", "equals": "artist 4"}
    assert other["filter"] == {"field": "artist", "equals": "artist 0"}
    assert list(one["terms"][0]["weights"].values()) == [1.0]
    assert len(mixed(tracks).bodies) == len(WEIGHTS) * len(tracks)


def test_figures_are_medians_and_ratios_of_them(tracks):
    slow, fast = (Answers([(ms, {"index": 1.0, "filter": 2.0})] * 10, 2.0) for ms in (12.0, 6.0))
    asked = questions(tracks, "none", "uniform")
    row = Searched.of(asked, slow)
    assert (row.p50_ms, row.overhead_ms, row.http, row.filtering) == (12.0, 11.0, 9.0, 2.0)
    assert Load.of(Pace(4, 2.0), slow).searches_per_s == 5.0
    live = Live.of(asked, slow, fast)
    assert (live.p50_ratio, live.p99_ratio, live.added_seen_ms) == (2.0, 2.0, "–")
