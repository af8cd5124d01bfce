"""A real server that takes messages, briefs that send some, and a clock that can be put forward."""

import contextlib
import socket
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.adapters.webhook_guard import Guard
from app.adapters.webhooks import HttpWebhookSender
from app.briefs import Brief, Delivery, Webhook
from app.domain import DEFAULT_LIBRARY, new_id, utc_now

SECRET = "whsec_test"


class Receiver:
    """A server on a free port of this machine. ``answers`` are given one after the other, then 204."""

    def __init__(self, answers=(), port=0):
        self.answers = list(answers)
        self.requests = []
        self.release = threading.Event()
        self.came = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, dict(self.headers), body))
                receiver.came.set()
                answer = receiver.answers.pop(0) if receiver.answers else 204
                with contextlib.suppress(OSError):
                    answer(self, receiver) if callable(answer) else receiver.say(self, answer)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    @staticmethod
    def say(handler, status, **headers):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    @property
    def ids(self):
        return [headers["X-Soundkin-Delivery"] for _, headers, _ in self.requests]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.release.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def sender_to(*names, resolver=None, **options):
    """A sender that finds names on this machine."""
    guard = Guard(names, private=True, resolver=resolver or (lambda *_: ["127.0.0.1"]))
    return HttpWebhookSender(guard, **options)


class Clock:
    """Stands still until it is put forward."""

    def __init__(self):
        self.now = utc_now()

    def __call__(self):
        return self.now

    def forward(self, **span):
        self.now += timedelta(**span)


class Desk:
    """Briefs with webhooks, and their messages."""

    def __init__(self, database, clock):
        self.database = database
        self.clock = clock

    def brief(self, url, secret=SECRET):
        brief = Brief(new_id(), DEFAULT_LIBRARY, "Calm piano", "", {}, Webhook(url, secret))
        with self.database.transaction() as tx:
            tx.briefs.add(brief)
        return brief

    def message(self, brief, body='{"event": "brief.matches"}'):
        made = Delivery(new_id(), brief.id, body, due_at=self.clock(), created_at=self.clock())
        with self.database.transaction() as tx:
            tx.briefs.add_delivery(made)
        return made

    def stored(self, message):
        with self.database.transaction(read_only=True) as tx:
            return next(each for each in tx.briefs.deliveries(message.brief_id) if each.id == message.id)

    def all_of(self, brief):
        with self.database.transaction(read_only=True) as tx:
            return tx.briefs.deliveries(brief.id, limit=10_000)


@pytest.fixture
def receiver():
    with Receiver() as opened:
        yield opened


@pytest.fixture(name="sender_to")
def sender_to_fixture():
    return sender_to


@pytest.fixture
def new_receiver():
    with contextlib.ExitStack() as stack:
        yield lambda *answers, port=0: stack.enter_context(Receiver(answers, port))


@pytest.fixture
def dead_port():
    """A port of this machine at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(database, clock):
    return Desk(database, clock)


@pytest.fixture
def desk_on(clock):
    return lambda database: Desk(database, clock)
