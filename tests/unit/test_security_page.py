"""docs/security.md: each test that it names is there, each command and field that it shows, too."""

import json
import re
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML
from typer.testing import CliRunner

from pacsflow.cli.app import app
from schemas.policy import Policy

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")


def test_each_test_that_shows_a_promise_is_there():
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_each_command_shown_is_one():
    shown = {" ".join(words) for words in re.findall(r"^pacsflow (\w+) ?(accept|new|id|rotate)?", PAGE, re.MULTILINE)}
    for command in shown:
        told = CliRunner().invoke(app, [*command.split(), "--help"])
        assert told.exit_code == 0, command


def test_the_policy_shown_is_one():
    [shown] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert Policy.model_validate(YAML(typ="safe").load(shown)).model_fields_set == set(Policy.model_fields)


def test_the_policy_of_the_kit_is_one_and_its_worker_has_it():
    told = YAML(typ="safe").load(ROOT / "kit" / "policy.yaml")
    assert Policy.model_validate(told).projects == ["/projects"]
    worker = YAML(typ="safe").load(ROOT / "compose.yaml")["services"]["worker"]
    assert "./kit/policy.yaml:/etc/pacsflow/policy.yaml:ro" in worker["volumes"]


def test_a_bill_of_materials_names_all_that_the_lock_pins():
    told = subprocess.run(
        [sys.executable, "tools/sbom.py", "requirements.lock"], cwd=ROOT, capture_output=True, check=True, timeout=60
    )
    bill = json.loads(told.stdout)
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert len(bill["components"]) == len(re.findall(r"^[A-Za-z0-9._-]+(?:\[[^]]*\])?==", lock, re.MULTILINE)) > 100
    assert len({each["bom-ref"] for each in bill["components"]}) == len(bill["components"])
