"""Clients of a service, in a process of their own, so that their work does not count as the service's.

Latency is from before the request until its answer is read; reading JSON is not part of it. Overhead is latency
without what the service spent in its index, so it holds SQL, HTTP and the clients' own share; that is kept small by
the plainest client there is.
"""

import http.client
import itertools
import json
import multiprocessing
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

INDEX = "index"
"""The stage in which the service asks its index."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How clients ask.

    Attributes:
        clients: So many at once, each in a thread with a connection that it keeps.
        seconds: For so long.
        every_s: Each asks so often; 0: as soon as it has its answer.
        at_least: Searches per client, however long they take ...
        at_most_s: ... up to this.
    """

    clients: int
    seconds: float
    every_s: float = 0.0
    at_least: int = 1
    at_most_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Asking:
    """What clients ask, where and how."""

    url: str
    bodies: Sequence[bytes]
    pace: Pace


@dataclass(slots=True)
class Answers:
    """What clients noticed.

    Attributes:
        found: For each search its latency and the service's own times by stage, in milliseconds.
        seconds: From the first search to the last answer.
        refused: How many were answered with an error.
    """

    found: list[tuple[float, Mapping[str, float]]] = field(default_factory=list)
    seconds: float = 0.0
    refused: int = 0

    def latency_ms(self) -> Sequence[float]:
        """As clients see it."""
        return [latency for latency, _ in self.found]

    def overhead_ms(self) -> Sequence[float]:
        """Latency without the index call."""
        return [latency - took.get(INDEX, 0.0) for latency, took in self.found]

    def stages_ms(self) -> Mapping[str, float]:
        """Median time of each stage, by the service's own clock."""
        stages: defaultdict[str, list[float]] = defaultdict(list)
        for _, took in self.found:
            for stage, milliseconds in took.items():
                stages[stage].append(milliseconds)
        return {stage: float(np.median(each)) for stage, each in stages.items()}


@contextmanager
def client_process() -> Iterator[ProcessPoolExecutor]:
    """A fresh process for ``ask``, which shares nothing with this one."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def ask(asking: Asking) -> Answers:
    """Ask from as many threads as there are clients, each after a search that does not count."""
    answers, started = Answers(), [0.0]
    warm = threading.Barrier(asking.pace.clients, lambda: started.insert(0, time.perf_counter()))
    threads = [
        threading.Thread(target=_be_client, args=(asking, number, warm, answers))
        for number in range(asking.pace.clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.seconds = time.perf_counter() - started[0]
    return answers


def _be_client(asking: Asking, number: int, warm: threading.Barrier, answers: Answers) -> None:
    with closing(http.client.HTTPConnection(urlsplit(asking.url).netloc, timeout=600)) as client:
        _one_answer(client, asking.bodies[-1 - number], Answers())
        warm.wait()
        for turn in _turns(asking.pace, number):
            _one_answer(client, asking.bodies[(turn * asking.pace.clients + number) % len(asking.bodies)], answers)


def _turns(pace: Pace, number: int) -> Iterator[int]:
    """Yield when it is time for the next search of one of the clients, which begin one after the other."""
    started = time.perf_counter()
    for turn in itertools.count():
        due = started + pace.every_s * (turn + number / pace.clients)
        time.sleep(max(0.0, due - time.perf_counter()))
        spent = time.perf_counter() - started
        if spent > pace.at_most_s or (spent > pace.seconds and turn >= pace.at_least):
            return
        yield turn


def _one_answer(client: http.client.HTTPConnection, body: bytes, answers: Answers) -> None:
    started = time.perf_counter()
    client.request("POST", "/v1/search", body, {"Content-Type": "application/json"})
    answer = client.getresponse()
    content = answer.read()
    latency_ms = 1000 * (time.perf_counter() - started)
    if answer.status != http.HTTPStatus.OK:
        answers.refused += 1
        return
    took = json.loads(content)["took_ms"]
    answers.found.append((latency_ms, took))
