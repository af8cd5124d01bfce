"""A webhook that may not be told is refused when a brief is stored; one that may is told of matches, signed."""

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.adapters.webhook_guard import Guard
from app.adapters.webhooks import HttpWebhookSender

NAMES = {"hooks.example.org": "93.184.215.14", "inside.example.org": "10.0.0.7"}


@pytest.fixture
def guarded(serve):
    guard = Guard(["*.example.org"], resolver=lambda host, _: [NAMES[host]])
    return serve(sender=HttpWebhookSender(guard))


def brief(service, worker, url):
    track = service.upload().json()["track"]["id"]
    worker.work()
    service.indexed()
    request = {"reference": {"track": track}}
    return service.http.post("/v1/briefs", json={"name": "Calm", "request": request, "webhook": {"url": url}})


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://evil.com/hook", "SOUNDKIN_WEBHOOK_HOSTS"),
        ("https://inside.example.org/hook", "10.0.0.7, which is not one of the public internet"),
        ("http://hooks.example.org/hook", "take https"),
        ("https://hooks.example.org:8080/hook", "may not be sent"),
        ("https://user:pass@hooks.example.org/hook", "user name or password"),
        ("https://127.0.0.1/hook", "may not be sent"),
        ("https://a..example.org/hook", "no name of a host"),
        (f"https://{'a' * 64}.example.org/hook", "no name of a host"),
    ],
)
def test_a_webhook_that_may_not_be_told_is_refused_with_what_to_do(guarded, employ, url, says):
    worker = employ(guarded)
    refused = brief(guarded, worker, url)
    assert refused.status_code == 422
    assert [fault["place"] for fault in refused.json()["errors"]] == ["body.webhook.url"]
    assert says in refused.json()["detail"]
    assert guarded.http.get("/v1/briefs").json()["items"] == []
    made = brief(guarded, worker, "https://hooks.example.org/hook").json()
    changed = guarded.http.patch(f"/v1/briefs/{made['id']}", json={"webhook": {"url": url}})
    assert (changed.status_code, says in changed.json()["detail"]) == (422, True)
    kept = guarded.http.get(f"/v1/briefs/{made['id']}").json()["webhook"]["url"]
    assert kept == "https://hooks.example.org/hook"


@pytest.fixture
def hook():
    """A server, and what it was sent."""
    came = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            came.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_address[1], came
    server.shutdown()
    thread.join()
    server.server_close()


def test_new_matches_are_told_to_the_webhook(serve, employ, hook):
    port, came = hook
    authority = f"hooks.example.org:{port}"
    guard = Guard([authority], private=True, resolver=lambda *_: ["127.0.0.1"])
    service = serve(sender=HttpWebhookSender(guard))
    worker = employ(service)
    made = brief(service, worker, f"http://{authority}/hook").json()
    fresh = service.upload(b"RIFFfresh", metadata='{"title": "Fresh"}').json()["track"]["id"]
    worker.work()
    service.indexed()
    assembly = service.app.state.assembly
    assembly.brief_watch.round()
    service.until(lambda: assembly.courier.deliver_due() or came)
    [(headers, body)] = came
    message = json.loads(body)
    assert (message["event"], message["brief"]["id"]) == ("brief.matches", made["id"])
    assert [match["track"]["id"] for match in message["matches"]] == [fresh]
    assert headers["X-Soundkin-Delivery"] == message["id"]
    stamp, code = (part.split("=", 1)[1] for part in headers["X-Soundkin-Signature"].split(","))
    expected = hmac.new(made["webhook"]["secret"].encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(code, expected)
    [delivery] = service.http.get(f"/v1/briefs/{made['id']}/deliveries").json()["items"]
    assert (delivery["id"], delivery["attempts"], delivery["error"]) == (message["id"], 1, None)
