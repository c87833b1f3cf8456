"""The kit of an installation: image, compose file, units and pool templates agree with the code and with each other."""

import configparser
import json
import os
import re
import subprocess
import threading
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import chain
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pacsflow.cli.stack import server_settings, worker_settings
from pacsflow.policy import PLACE
from peers.ports import free_port

ROOT = Path(__file__).parents[2]
KIT = ROOT / "kit"
PINS = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


def pins(name):
    return {package.lower(): version for package, version in PINS.findall((ROOT / name).read_text())}


def environment(name):
    lines = (KIT / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def without_addresses(settings):
    return {name: value for name, value in settings.items() if not name.endswith("_URL")}


def compose():
    return YAML(typ="safe").load((ROOT / "compose.yaml").read_text())


def test_the_locks_of_the_image_are_those_that_are_tested_with_hashes_and_without_development_packages():
    shipped, tested = pins("requirements-run.lock"), pins("requirements.lock")
    assert {name: tested.get(name) for name in shipped} == shipped
    assert {"prefect", "pydicom", "psycopg", "hatchling"} <= set(shipped)
    assert not {"pytest", "ruff", "mypy", "moto"} & set(shipped)
    text = (ROOT / "requirements-run.lock").read_text()
    assert len(re.findall(r"==\S+ (?:; .*)?\\\n    --hash=sha256:", text)) == len(PINS.findall(text))


def test_server_and_worker_are_told_what_up_tells_them():
    assert environment("server.env") == without_addresses(server_settings(1))
    assert environment("worker.env") == without_addresses(worker_settings(1))


def test_each_file_that_the_image_takes_is_there_and_let_in():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = [line[1:] for line in ignored if line.startswith("!")]
    assert "*" in ignored
    copied = [
        words.split()[:-1] for words in re.findall(r"^COPY (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    ]
    for source in chain.from_iterable(copied):
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, pattern) for pattern in let_in), source


def test_each_service_has_what_it_names_and_secrets_are_files():
    told = compose()
    for name, service in told["services"].items():
        assert set(service.get("secrets", [])) <= set(told["secrets"]), name
        assert all((ROOT / file).is_file() for file in service.get("env_file", [])), name
        volumes = {volume.split(":")[0] for volume in service.get("volumes", [])}
        assert {volume for volume in volumes if not volume.startswith(".")} <= set(told["volumes"]), name
        assert set(service.get("depends_on", {})) <= set(told["services"]), name
        assert not [key for key in service.get("environment", {}) if re.search("PASSWORD$|KEY$|TOKEN$", key)], name
    assert all(list(secret) == ["file"] for secret in told["secrets"].values())
    for name in ("server", "worker"):
        assert "PACSFLOW_HEALTH" in told["services"][name]["environment"]
    assert "healthcheck" in told["services"]["postgres"]


@pytest.mark.parametrize("unit", sorted((KIT / "systemd").glob("*.service")), ids=lambda unit: unit.stem)
def test_units_start_what_there_is_and_not_as_root(unit):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(unit.read_text())
    service = parser["Service"]
    assert service["User"] == "pacsflow"
    assert re.match(r"/opt/pacsflow/\.venv/bin/prefect (server|worker) start ", service["ExecStart"])
    for name in re.findall(r"^EnvironmentFile=/opt/pacsflow/(\S+)$", unit.read_text(), re.MULTILINE):
        assert (ROOT / name).is_file()


@pytest.mark.parametrize("pool", ["docker", "kubernetes"])
def test_pool_templates_use_the_variables_that_they_declare(pool):
    template = json.loads((KIT / "pools" / f"{pool}.json").read_text())
    used = set(re.findall(r"{{ (\w+) }}", json.dumps(template["job_configuration"])))
    declared = template["variables"]["properties"]
    assert used <= set(declared)
    assert declared["image"]["default"] == "pacsflow"
    assert environment("worker.env").items() <= declared["env"]["default"].items()


def test_containers_of_pools_get_the_policy_of_the_machine_where_it_is_looked_for():
    docker = json.loads((KIT / "pools" / "docker.json").read_text())
    assert f"{PLACE}:{PLACE}:ro" in docker["variables"]["properties"]["volumes"]["default"]
    kubernetes = json.loads((KIT / "pools" / "kubernetes.json").read_text())
    pod = kubernetes["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    [mount] = [each for each in pod["containers"][0]["volumeMounts"] if each["name"] == "policy"]
    assert (mount["mountPath"], mount["readOnly"]) == (str(PLACE.parent), True)
    assert [each["configMap"]["name"] for each in pod["volumes"] if each["name"] == "policy"] == ["pacsflow-policy"]


@pytest.mark.parametrize(
    ("words", "starts"),
    [
        (["prefect", "flow-run", "execute"], "prefect flow-run execute"),
        (["run", "/projects/p"], "pacsflow run /projects/p"),
        (["worker", "night"], "prefect worker start --pool night --type process --with-healthcheck"),
        (["worker"], "prefect worker start --pool pacsflow --type process --with-healthcheck"),
        ([], "pacsflow"),
    ],
)
def test_the_image_starts_prefects_commands_and_ours(tmp_path, words, starts):
    for name in ("prefect", "pacsflow"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n')
        program.chmod(0o755)
    told = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", KIT / "entrypoint.sh", *words], env=told, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == starts


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 503)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


def test_health_is_what_the_service_answers():
    def healthy(**told):
        return subprocess.run(
            ["sh", KIT / "healthcheck.sh"], env={**os.environ, **told}, capture_output=True, check=False
        )

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        at = f"http://127.0.0.1:{server.server_port}"
        assert healthy(PACSFLOW_HEALTH=f"{at}/health").returncode == 0
        assert healthy(PACSFLOW_HEALTH=f"{at}/ill").returncode != 0
        server.shutdown()
    assert healthy(PACSFLOW_HEALTH=f"http://127.0.0.1:{free_port()}/health").returncode != 0
    assert healthy().returncode == 0
