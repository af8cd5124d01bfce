"""Tables of cards out of reports."""

import json

from benchmarks.cards import show


def test_a_table_has_the_tasks_that_the_report_has(tmp_path):
    figures = {"MAP": {"value": 0.25, "low": 0.2, "high": 0.3}}
    row = {"task": "album", "system": "hdpgmm", "space": "complete", "figures": figures}
    (tmp_path / "retrieval.json").write_text(json.dumps({"rows": [row]}), encoding="utf-8")
    found = show("Retrieval", tmp_path, "retrieval", ["MAP"], ["album", "artist"])
    assert found.splitlines() == [
        "### Retrieval",
        "",
        "| | album MAP |",
        "|---|---:|",
        "| hdpgmm | .250 [.200, .300] |",
    ]
