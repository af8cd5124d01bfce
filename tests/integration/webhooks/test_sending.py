"""Messages on their way to a real server."""

import contextlib
import datetime as dt
import hashlib
import socket
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.adapters.webhook_guard import Guard
from app.adapters.webhooks import HttpWebhookSender, signature
from app.errors import InvalidRequest

NAME = "hooks.example.org"
BODY = '{"event": "brief.matches", "title": "Ça va ✓"}'


def send(sender, url, body=BODY):
    """Send, and return why it was not taken."""
    problem = sender.send(url, body, secret="whsec_abc", delivery_id="delivery-1")
    return problem and problem.reason


def is_away(sender, url):
    return sender.send(url, BODY, secret="whsec_abc", delivery_id="delivery-1").away


def at(receiver, path="/hook"):
    return f"http://{NAME}:{receiver.port}{path}"


def hmac_sha256(key, message):
    """RFC 2104, by the definition."""
    block = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).hexdigest()


def test_a_message_comes_signed_under_the_name_of_its_receiver(receiver, sender_to):
    sender = sender_to(f"{NAME}:{receiver.port}", clock=lambda: 1_700_000_000.9)
    assert send(sender, at(receiver, "/hook?a=1")) is None
    [(path, headers, body)] = receiver.requests
    assert (path, body) == ("/hook?a=1", BODY.encode())
    assert headers["Host"] == f"{NAME}:{receiver.port}"
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Soundkin-Delivery"] == "delivery-1"
    stamp, _, code = headers["X-Soundkin-Signature"].partition(",v1=")
    assert stamp == "t=1700000000"
    assert code == hmac_sha256(b"whsec_abc", b"1700000000." + body)


def test_the_documented_check_takes_what_is_genuine_and_nothing_else(receiver, sender_to):
    page = (Path(__file__).parents[3] / "docs/operations.md").read_text()
    documented = {}
    exec(page.split("```python\n")[1].split("```")[0], documented)
    is_genuine = documented["is_genuine"]
    assert send(sender_to(f"{NAME}:{receiver.port}"), at(receiver)) is None
    [(_, headers, body)] = receiver.requests
    header = headers["X-Soundkin-Signature"]
    assert is_genuine("whsec_abc", header, body)
    assert not is_genuine("whsec_abd", header, body)
    assert not is_genuine("whsec_abc", header, body + b" ")
    old = int(time.time()) - 3600
    assert not is_genuine("whsec_abc", signature("whsec_abc", body, old), body)


def test_an_error_of_the_receiver_is_told(new_receiver, sender_to):
    receiver = new_receiver(500, 404, 200)
    sender = sender_to(f"{NAME}:{receiver.port}")
    assert send(sender, at(receiver)) == "The receiver answered 500."
    assert send(sender, at(receiver)) == "The receiver answered 404."
    assert send(sender, at(receiver)) is None


def test_redirects_are_not_followed(receiver, new_receiver, sender_to):
    redirecting = new_receiver(lambda handler, own: own.say(handler, 307, Location=at(receiver)))
    sender = sender_to(f"{NAME}:{redirecting.port}", f"{NAME}:{receiver.port}")
    assert "redirects are not followed" in send(sender, at(redirecting))
    assert receiver.requests == []


def test_a_receiver_that_is_not_there_is_told(dead_port, sender_to):
    assert "cannot be reached" in send(sender_to(f"{NAME}:{dead_port}"), f"http://{NAME}:{dead_port}/")


def test_a_name_that_cannot_be_looked_up_is_told(sender_to):
    def away(host, port):
        raise OSError("no such name")

    assert send(sender_to(NAME, resolver=away), f"https://{NAME}/") == (
        "The host's name cannot be looked up: no such name."
    )


def test_the_next_address_is_tried_where_one_cannot_be_reached(receiver, sender_to):
    sender = sender_to(f"{NAME}:{receiver.port}", resolver=lambda *_: ["127.0.0.2", "127.0.0.1"])
    assert send(sender, at(receiver)) is None


def test_a_receiver_that_answers_is_there_whatever_it_answers(new_receiver, sender_to):
    receiver = new_receiver(500, 401, 307, lambda handler, _: handler.connection.close())
    sender = sender_to(f"{NAME}:{receiver.port}")
    assert [is_away(sender, at(receiver)) for _ in range(4)] == [False] * 4


def test_a_receiver_that_cannot_be_found_or_reached_or_does_not_answer_in_time_is_away(
    new_receiver, sender_to, dead_port
):
    def away(host, port):
        raise OSError("no such name")

    assert is_away(sender_to(NAME, resolver=away), f"https://{NAME}/")
    assert is_away(sender_to(f"{NAME}:{dead_port}"), f"http://{NAME}:{dead_port}/")
    receiver = new_receiver(lambda _, own: own.release.wait(5))
    assert is_away(sender_to(f"{NAME}:{receiver.port}", timeout_s=0.3), at(receiver))
    assert not is_away(sender_to("other.example.org"), at(receiver))


@pytest.fixture
def swallow():
    """Have an address of this machine swallow whatever wants to connect, as a firewall does: its queue is full."""
    with contextlib.ExitStack() as stack:

        def swallowing(address, port):
            listening = stack.enter_context(socket.socket())
            listening.bind((address, port))
            listening.listen(0)
            for _ in range(4):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    waiting.connect((address, port))

        yield swallowing


def test_the_next_address_is_tried_where_one_swallows_everything(receiver, sender_to, swallow):
    swallow("127.0.0.2", receiver.port)
    addresses = ["127.0.0.2", "127.0.0.1"]
    sender = sender_to(f"{NAME}:{receiver.port}", resolver=lambda *_: addresses, timeout_s=3)
    assert send(sender, at(receiver)) is None
    addresses.pop()
    assert send(sender, at(receiver)) == "The receiver cannot be reached: ConnectTimeout."
    assert is_away(sender, at(receiver))


def drip(handler, receiver):
    """Answer a byte at a time, for ever."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not receiver.release.wait(0.05):
        handler.wfile.write(b"a")
        handler.wfile.flush()


def endless(handler, receiver):
    handler.send_response(200)
    handler.end_headers()
    while not receiver.release.is_set():
        handler.wfile.write(b"a" * 65_536)


def test_a_receiver_that_answers_by_drops_does_not_hold_us(new_receiver, sender_to):
    receiver = new_receiver(drip, lambda _, own: own.release.wait(5))
    sender = sender_to(f"{NAME}:{receiver.port}", timeout_s=0.4)
    for _ in range(2):
        started = time.monotonic()
        assert "did not answer within 0.4 s" in send(sender, at(receiver))
        assert time.monotonic() - started < 3


def test_the_body_of_an_answer_is_not_read(new_receiver, sender_to):
    receiver = new_receiver(endless)
    started = time.monotonic()
    assert send(sender_to(f"{NAME}:{receiver.port}"), at(receiver)) is None
    assert time.monotonic() - started < 3


def test_no_proxy_of_the_environment_is_asked(receiver, dead_port, sender_to, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{dead_port}")
    assert send(sender_to(f"{NAME}:{receiver.port}"), at(receiver)) is None


def test_a_name_that_points_elsewhere_after_the_check_gains_nothing(receiver, sender_to):
    """Looked up when the brief is stored: fine. Looked up to send: each time once, and checked."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    sender = HttpWebhookSender(Guard([f"{NAME}:{receiver.port}"], resolver=lambda *_: next(answers)))
    sender.check(f"https://{NAME}:{receiver.port}/")
    assert "127.0.0.1, which is not one of the public internet" in send(sender, f"https://{NAME}:{receiver.port}/")
    assert next(answers, None) is None
    assert receiver.requests == []


def test_what_is_not_allowed_is_refused_at_once_and_not_sent(receiver, sender_to):
    sender = sender_to("other.example.org")
    with pytest.raises(InvalidRequest, match="may not be sent"):
        sender.check(at(receiver))
    assert "may not be sent" in send(sender, at(receiver))
    assert receiver.requests == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of NAME that signs itself, in a file with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "hook.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_over_tls_the_receiver_must_prove_its_name_though_an_address_is_dialled(
    certificate, new_receiver, sender_to
):
    receiver = new_receiver()
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    trusting = ssl.create_default_context(cafile=certificate)
    own, other = (f"{host}:{receiver.port}" for host in (NAME, "other.example.org"))
    sender = sender_to(own, other, tls=trusting)
    assert send(sender, f"https://{own}/hook") is None
    assert names == [NAME]
    assert receiver.requests[0][1]["Host"] == own
    assert "cannot be reached" in send(sender, f"https://{other}/hook")
    assert "cannot be reached" in send(sender_to(own), f"https://{own}/hook")
    assert len(receiver.requests) == 1
