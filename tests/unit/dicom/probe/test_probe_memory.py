"""What is remembered of nodes: whole or not at all."""

import json

from pacsflow.dicom.probe import Capabilities, CheckResult, keep, recall
from pacsflow.dicom.probe.memory import _place
from schemas.pacs import PacsNode

FOUND = Capabilities((CheckResult("C-GET", "ok", "works", {"arrived": 3}),), {"queries": 2})


def test_what_is_remembered_is_what_was_found(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    node = PacsNode(name="n", host="127.0.0.1", port=104, called_aet="A")
    assert recall(node) is None
    keep(node, FOUND)
    assert recall(node).findings == FOUND.findings
    assert _place(node).stat().st_mode & 0o777 == 0o600


def test_what_the_disk_does_not_take_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    node = PacsNode(name="n", host="127.0.0.1", port=104, called_aet="A")
    _place(node).mkdir(parents=True)
    keep(node, FOUND)
    assert recall(node) is None
    assert list(_place(node).parent.iterdir()) == [_place(node)]


def test_what_an_earlier_version_remembered_is_read_by_the_names_of_now(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    node = PacsNode(name="n", host="127.0.0.1", port=104, called_aet="A")
    keep(node, FOUND)
    finding = {"name": "C-MOVE", "verdict": "no", "said": "x", "facts": {}, "ask": "permit it", "mend": "open the port"}
    _place(node).write_text(json.dumps({**json.loads(_place(node).read_text()), "findings": [finding]}))
    [found] = recall(node).findings
    assert (found.request, found.fix) == ("permit it", "open the port")
