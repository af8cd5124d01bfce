import httpx

from app.cli.doctor import _check_service


def answer(monkeypatch, *findings):
    body = {"ready": True, "findings": list(findings)}
    monkeypatch.setattr(httpx, "get", lambda *_, **__: httpx.Response(200, json=body))


def test_the_doctor_passes_on_why_the_worker_of_a_running_service_does_not_run(monkeypatch):
    trouble = {"name": "workers", "verdict": "warn", "message": "exit status 2", "remedy": "See its log lines."}
    answer(monkeypatch, trouble, {"name": "index", "verdict": "ok", "message": "0 tracks", "remedy": None})
    assert [(found.name, found.message) for found in _check_service()][1:] == [
        ("workers", "exit status 2"),
        ("index", "0 tracks"),
    ]


def test_the_doctor_does_not_repeat_that_workers_are_alive(monkeypatch):
    answer(monkeypatch, {"name": "workers", "verdict": "ok", "message": "1 alive", "remedy": None})
    assert [found.name for found in _check_service()] == ["service"]
