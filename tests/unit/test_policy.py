"""The policy of a worker: what the author of a merged project tries, and what is refused before anything is sent."""

import hashlib
import json
import os

import pytest

from pacsflow.errors import PolicyError, ProjectError, SecretError
from pacsflow.policy import active_policy, is_host, policy_for_deployment
from pacsflow.projects import read_project, read_targets
from pacsflow.run.policies import own_policy, policy_now, yaml_of
from pacsflow.secrets import host_of, resolve, resolve_address
from project_folder import write_project
from yaml_folder import problems_of

NODE = {"host": "pacs.example.org", "port": 104, "called_aet": "PACS"}
ROWS = [{"id": "r", "StudyInstanceUID": "1.2.3"}]


@pytest.fixture
def secrets(tmp_path):
    """A folder of secrets with the project's key, and a file of the worker's own."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    for file in (folder / "key", folder / "pass", tmp_path / "id_ed25519"):
        file.write_text("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
        file.chmod(0o600)
    return folder


@pytest.fixture
def policy(tmp_path, secrets, monkeypatch):
    """A policy that lets the ordinary project do what it does. Returned: a function that changes it."""
    told = {
        "version": 1,
        "projects": [str(tmp_path / "projects")],
        "hosts": ["pacs.example.org", "*.research.example.org", "10.1.0.0/16"],
        "secrets": [
            {"name": f"file:{secrets}/key"},
            {"name": f"file:{secrets}/*", "hosts": ["web.research.example.org"]},
        ],
        "secrets_folder": str(secrets),
        "write": [str(tmp_path / "data")],
        "storages": ["sftp"],
    }
    file = tmp_path / "policy.yaml"
    monkeypatch.setenv("PACSFLOW_POLICY", str(file))

    def change(**fields):
        file.write_text(json.dumps(told | fields))

    change()
    return change


def project(tmp_path, secrets, **files):
    deid = {"base": "ps3.15-basic", "key": f"${{file:{secrets}/key}}"} | files.pop("deid", {})
    folder = tmp_path / "projects" / "lung"
    work = {"workdir": str(tmp_path / "data" / "lung")} | files.pop("project", {})
    return write_project(folder, pacs=NODE | files.pop("pacs", {}), rows=ROWS, deid=deid, project=work, **files)


def told(folder):
    return " ".join(map(str, problems_of(folder)))


def web(auth, **fields):
    return {"protocol": "dicomweb", "url": "https://web.research.example.org/dw", "auth": auth} | fields


def target(**fields):
    return {"targets": [fields]}


def test_an_ordinary_project_is_let_through(tmp_path, secrets, policy):
    folder = project(
        tmp_path, secrets, pacs=web({"kind": "basic", "username": "u", "password": f"${{file:{secrets}/pass}}"})
    )
    assert told(folder) == ""
    assert policy_for_deployment(folder).projects


def basic(password):
    return {"kind": "basic", "username": "u", "password": password}


ATTACKS = {
    "own host": ({"pacs": {"host": "evil.example.com"}}, "host that the policy"),
    "own address": ({"pacs": {"host": "10.2.0.1"}}, "host that the policy"),
    "a name that looks alike": ({"pacs": {"host": "pacs.ex\u0430mple.org"}}, ""),
    "a longer name": ({"pacs": {"host": "pacs.example.org.evil.com"}}, "host that the policy"),
    "the end of a name": ({"pacs": {"host": "evilresearch.example.org"}}, "host that the policy"),
    "own web service": ({"pacs": web(basic("${file:SECRETS/pass}"), url="https://evil.example.com/")}, "let go to evil"),
    "one of several": (
        {"pacs": web(basic("${file:SECRETS/pass}"), urls={"mint": "https://evil.example.com/m"})}, "let go to evil"),
    "a secret at another allowed host": (
        {"pacs": web(basic("${file:SECRETS/pass}"), url="https://pacs.example.org/")}, "let go to pacs.example.org"),
    "the worker's key file": ({"pacs": web(basic("${file:OWN}"))}, "does not name"),
    "out by dots": ({"pacs": web(basic("${file:SECRETS/../id_ed25519}"))}, "outside `secrets_folder`"),
    "out by a link": ({"pacs": web(basic("${file:SECRETS/link}"))}, "outside `secrets_folder`"),
    "environment": ({"pacs": web(basic("${env:AWS_SECRET_ACCESS_KEY}"))}, "does not name"),
    "keyring": ({"pacs": web(basic("${keyring:login/root}"))}, "does not name"),
    "Prefect's blocks": ({"pacs": web(basic("${prefect:others}"))}, "does not name"),
    "a key that is sent": ({"pacs": web(basic("${file:SECRETS/key}"), url="https://pacs.example.org/")}, "let go to"),
    "token endpoint": (
        {"pacs": web({"kind": "oidc", "token_url": "https://evil.example.com/t", "client_id": "c",
                      "client_secret": "${file:SECRETS/pass}"})}, "let go to evil"),
    "log-in address": (
        {"pacs": web({"kind": "vitrea", "login_url": "https://evil.example.com/l", "username": "u",
                      "password": "${file:SECRETS/pass}"})}, "let go to evil"),
    "a program": ({"pacs": web({"kind": "command", "run": ["sh", "-c", "id"]})}, "is a program"),
    "a target elsewhere": (
        {"export": target(kind="dicom", host="evil.example.com", port=104, called_aet="X")}, "host that the policy"),
    "an upload elsewhere": ({"export": target(kind="dicomweb", url="https://evil.example.com/dw")}, "host that"),
    "a storage": ({"export": target(kind="storage", url="s3://bucket/x")}, "storage that the policy"),
    "a host of a storage": ({"export": target(kind="storage", url="sftp://evil.example.com/x")}, "host that the policy"),
    "a folder": ({"export": target(kind="folder", path="/var/www")}, "write to"),
    "a folder by dots": ({"export": target(kind="folder", path="${project.workdir}/../../out")}, "write to"),
    "a work directory": ({"project": {"workdir": "/var/tmp/elsewhere"}}, "write to"),
    "a work directory by a link": ({"project": {"workdir": "DATA/way-out/x"}}, "write to"),
    "a variable in a path": ({"project": {"workdir": "DATA/${env:AWS_SECRET_ACCESS_KEY}"}}, "does not name the variable"),
    "a webhook": ({"project": {"notify": [{"webhook": "https://evil.example.com/h"}]}}, "host that the policy"),
    "a mail server": (
        {"project": {"notify": [{"email": "a@b.org", "smtp": {"host": "evil.example.com", "sender": "a@b.org"}}]}},
        "host that the policy"),
    "a mail to anybody by an allowed server": (
        {"project": {"notify": [{"email": "a@evil.com", "smtp": {"host": "pacs.example.org", "sender": "a@b.org"}}]}},
        "a@evil.com is an e-mail address"),
    "a table": ({"deid": {"patient": {"source": "table", "file": "/etc/passwd"}}}, "read"),
    "a table by a link": ({"deid": {"patient": {"source": "table", "file": "link.csv"}}}, "read"),
    "a service of pseudonyms": (
        {"deid": {"patient": {"source": "api", "url": "https://evil.example.com/", "token": "${file:SECRETS/pass}"}}},
        "let go to evil"),
    "the project's key as a user of a storage": (
        {"export": target(kind="storage", url="s3://b/x", options={"key": "${file:SECRETS/key}"})}, "let go to b.s3.amazonaws"),
    "a storage without a host": (
        {"export": target(kind="storage", url="sftp:///x", options={"password": "${file:SECRETS/pass}"})}, "host that"),
    "an account that is an address": (
        {"export": target(kind="storage", url="abfs://c/x", options={"account_name": "evil.example.com/"})}, "right form"),
    "a host in front of an allowed one": (
        {"pacs": web(basic("${file:SECRETS/pass}"), url="https://evil.com\\.research.example.org/")}, "host that"),
    "a folder behind a variable that is none": ({"export": target(kind="folder", path="/var/www/${")}, "write to"),
    "a table behind a variable that is none": ({"query": {"table": {"file": "${/../../../id_ed25519"}}}, "read"),
    "a certificate behind one": (
        {"pacs": {"tls": {"ca": "${/../../../id_ed25519"}}}, "read"),
    "a file that lists what a third party received": (
        {"pacs": {"fetch": {"method": "c-move", "move_to": {"aet": "X", "ours": False, "check": "../../other.yaml"}}}},
        "read"),
    "a node file elsewhere": ({"pacs": {"fallback": ["../../other.yaml"]}}, "read"),
    "a program over images": (
        {"export": {"nifti": [{"modality": "*", "post": {"run": ["/bin/sh", "-c", "id"]}}]}}, "SHA-256"),
    "what it reads": (
        {"export": {"nifti": [{"modality": "*", "post": {"run": ["/bin/sh"], "reads": ["/etc"]}}]}}, "read that"),
    "a third party that the node sends to": (
        {"pacs": {"fetch": {"method": "c-move", "move_to": {"aet": "EVIL", "ours": False}}}}, "EVIL is a receiver"),
    "a third party by the name of our own receiver": (
        {"pacs": {"fetch": {"method": "c-move", "move_to": {"aet": "EVIL", "port": 11112}}}}, "EVIL is a receiver"),
    "a third party that another node sends to": ({"pacs": {"fallback": ["mover.yaml"]}}, "EVIL is a receiver"),
    "a receiver behind a gateway": (
        {"export": target(kind="karnak", host="pacs.example.org", port=104, called_aet="EVIL", album="a")}, "EVIL is a"),
    "a receiver at an allowed host": (
        {"export": target(kind="dicom", host="pacs.example.org", port=104, called_aet="EVIL")}, "EVIL is a receiver"),
    "a bucket beside ours": ({"export": target(kind="storage", url="s3://evil/x", options={"anon": True})}, "evil.s3."),
    "a bucket at a service that is allowed": (
        {"export": target(kind="storage", url="s3://evil/x",
                          options={"anon": True, "endpoint_url": "https://pacs.example.org"})}, "evil.pacs.example.org"),
    "a bucket with a host in its name": (
        {"export": target(kind="storage", url="s3://b.research.example.org:x/y", options={"anon": True})}, "host that"),
    "an account beside ours": (
        {"export": target(kind="storage", url="abfs://c/x", options={"account_name": "evil"})}, "evil.blob."),
    "functions": ({"deid": {"recipe": "recipe.txt", "functions": "own.py"}}, "SHA-256"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_merged_project_reaches_for_is_refused(tmp_path, secrets, policy, monkeypatch, attack):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do not show")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "way-out").symlink_to("/var/tmp")
    (secrets / "link").symlink_to(tmp_path / "id_ed25519")
    fields, said = ATTACKS[attack]
    text = json.dumps(fields).replace("SECRETS", str(secrets)).replace("OWN", str(tmp_path / "id_ed25519"))
    folder = project(tmp_path, secrets, **json.loads(text.replace("DATA", str(tmp_path / "data"))))
    (folder / "link.csv").symlink_to("/etc/passwd")
    (folder / "${").mkdir()
    mover = {
        "name": "mover",
        "called_aet": "MOVER",
        "fetch": {"method": "c-move", "move_to": {"aet": "EVIL", "port": 11112}},
    }
    (folder / "mover.yaml").write_text(json.dumps(NODE | mover))
    (tmp_path / "other.yaml").write_text(json.dumps(NODE | {"name": "other"}))
    (folder / "own.py").write_text("def f(**kw):\n    return 'x'\n")
    (folder / "recipe.txt").write_text("FORMAT dicom\n%header\nREPLACE StudyDescription func:f\n")
    assert said in told(folder)
    with pytest.raises(ProjectError) as error:
        read_project(folder)
    assert "do not show" not in str(error.value)


@pytest.mark.parametrize("name", ["pacs.yaml", "query.yaml", "deid.yaml", "export.yaml", "project.yaml"])
def test_a_file_of_a_project_that_is_a_link_to_outside_is_refused(tmp_path, secrets, policy, name):
    folder = project(tmp_path, secrets)
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    assert "is a file to read that" in told(folder)
    policy(read=[str(tmp_path)])
    assert told(folder) == ""


def test_a_node_file_outside_is_read_where_the_policy_says_so(tmp_path, secrets, policy):
    folder = project(tmp_path, secrets)
    (folder / "pacs.yaml").rename(tmp_path / "main.yaml")
    (folder / "pacs.yaml").write_text("use: ../../main.yaml\n")
    assert "is a file to read that" in told(folder)
    policy(read=[str(tmp_path)])
    assert told(folder) == ""


def test_a_secret_that_is_an_address_leads_to_its_own_hosts_only(tmp_path, secrets, policy, monkeypatch):
    monkeypatch.setenv("HOOK", "https://hooks.example.org/x?key=do-not-show")
    folder = project(tmp_path, secrets, project={"notify": [{"webhook": "${env:HOOK}"}], "ledger": "${env:HOOK}"})
    assert "does not name" in told(folder)
    for hosts, fine in (([], False), (["other.example.org"], False), (["hooks.example.org"], True)):
        policy(secrets=[{"name": f"file:{secrets}/key"}, {"name": "env:HOOK", "hosts": hosts}])
        assert told(folder) == ""
        if fine:
            assert resolve_address("${env:HOOK}").startswith("https://hooks")
            continue
        with pytest.raises(SecretError, match="host is none of those") as refused:
            resolve_address("${env:HOOK}")
        assert "do-not-show" not in f"{refused.value} {refused.value.fix}"
    for text in ("a token that is none", "https://[", "file:///etc/passwd", "https://evil.com\\.hooks.example.org/"):
        monkeypatch.setenv("HOOK", text)
        with pytest.raises(SecretError, match="host is none of those"):
            resolve_address("${env:HOOK}")
    monkeypatch.delenv("PACSFLOW_POLICY")
    monkeypatch.setenv("HOOK", "https://hooks.example.org/x")
    assert {rule.name: rule.hosts for rule in policy_now([folder]).secrets}["env:HOOK"] == ["hooks.example.org"]


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("postgresql://u:p@db.example.org:5432/lung", "db.example.org"),
        ("postgresql+psycopg://u:p@db.example.org/lung?host=evil.example.com", "evil.example.com"),
        ("postgres://u@/lung?host=/run/postgresql", "localhost"),
        ("sqlite:////srv/ledger.sqlite", "localhost"),
        ("http://[::1]/", "::1"),
        ("no address", ""),
        ("https://[", ""),
    ],
)
def test_the_host_of_an_address(address, host):
    assert host_of(address) == host


def test_what_the_policy_lets_receive_and_a_list_of_targets_beside_a_project(tmp_path, secrets, policy, monkeypatch):
    bucket = {"kind": "storage", "url": "s3://lung/x", "options": {"anon": True}}
    node = {"kind": "dicom", "host": "pacs.example.org", "port": 104, "called_aet": "ARCHIVE"}
    mail = {"email": "Data@example.org", "smtp": {"host": "pacs.example.org", "sender": "a@example.org"}}
    folder = project(tmp_path, secrets, export={"targets": [bucket, node]}, project={"notify": [mail]},
                     pacs={"fetch": {"method": "c-move", "move_to": {"aet": "OURS", "port": 11112}}})  # fmt: skip
    with pytest.raises(ProjectError, match=r"lung\.s3\.amazonaws\.com"):
        read_targets(folder / "export.yaml", tmp_path)
    assert "OURS is a receiver" in told(folder)
    with monkeypatch.context() as without:
        without.delenv("PACSFLOW_POLICY")
        said = policy_now([folder])
    assert (said.receivers, said.mail) == (["ARCHIVE", "OURS"], ["Data@example.org"])
    assert "lung.s3.amazonaws.com" in said.hosts
    policy(
        mail=["*@EXAMPLE.org"],
        receivers=["ARCHIVE", "OURS "],
        storages=["s3"],
        hosts=["pacs.example.org", "lung.s3.amazonaws.com"],
    )
    assert told(folder) == ""
    assert len(read_targets(folder / "export.yaml", tmp_path)) == 2


def test_functions_run_that_are_named_by_their_hash_and_no_longer_once_they_change(tmp_path, secrets, policy):
    folder = project(tmp_path, secrets, deid={"recipe": "recipe.txt", "functions": "own.py"})
    (folder / "recipe.txt").write_text("FORMAT dicom\n%header\nREPLACE StudyDescription func:f\n")
    (folder / "own.py").write_text("def f(**kw):\n    return 'x'\n")
    policy(functions=[hashlib.sha256((folder / "own.py").read_bytes()).hexdigest()])
    assert told(folder) == ""
    (folder / "own.py").write_text("def f(**kw):\n    return open('/etc/passwd').read()\n")
    assert "code of a SHA-256" in told(folder)


def test_a_secret_that_slipped_through_is_refused_where_it_is_read(tmp_path, policy, monkeypatch):
    monkeypatch.setenv("OTHER", "do not show")
    with pytest.raises(SecretError, match="does not name"):
        resolve("${env:OTHER}")


def test_without_a_policy_a_person_works_as_before_and_a_deployment_does_not(tmp_path, secrets, monkeypatch):
    monkeypatch.delenv("PACSFLOW_POLICY", raising=False)
    folder = project(tmp_path, secrets, pacs={"host": "anywhere.example.com"})
    assert told(folder) == ""
    with pytest.raises(PolicyError, match="need a policy") as refused:
        policy_for_deployment(folder)
    assert "pacsflow policy" in refused.value.fix


def test_a_deployment_takes_projects_below_the_workers_folders_only(tmp_path, secrets, policy):
    project(tmp_path, secrets)
    (tmp_path / "projects" / "link").symlink_to(tmp_path)
    for place in (tmp_path / "other", tmp_path / "projects" / ".." / "other", tmp_path / "projects" / "link" / "other"):
        with pytest.raises(PolicyError, match="does not name the folder"):
            policy_for_deployment(place)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: file.write_text("version: 1\nhost: [x]\n"), "host"),
        (lambda file: file.write_text("{"), "is not YAML"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "is not YAML"),
        (lambda file: file.write_text("version: 1\nhosts: &a [x]\nstorages: [reference]\n"), "storages"),
        (lambda file: file.chmod(0o666), "changed by others"),
        (lambda file: file.unlink(), "cannot be read"),
        (lambda file: (file.unlink(), file.mkdir()), "is not a file"),
        (lambda file: (file.unlink(), os.mkfifo(file)), "is not a file"),
        (lambda file: (file.unlink(), file.symlink_to("/dev/zero")), "is not a file"),
        (lambda file: file.write_text(f"version: 1\nprojects: ['{file.parent}']\n"), "among the projects"),
    ],
)
def test_a_policy_that_cannot_be_relied_on_stops_everything(tmp_path, secrets, policy, spoil, why):
    folder = project(tmp_path, secrets)
    spoil(tmp_path / "policy.yaml")
    with pytest.raises(PolicyError, match=why):
        active_policy()
    with pytest.raises(PolicyError):
        read_project(folder)


def test_the_policy_of_what_projects_say_lets_them_do_that_and_nothing_else(tmp_path, secrets, monkeypatch):
    monkeypatch.delenv("PACSFLOW_POLICY", raising=False)
    monkeypatch.setenv("STORE", "x")
    sink = {
        "kind": "storage",
        "url": "sftp://files.example.org/x",
        "options": {"username": "u", "password": "${env:STORE}"},
    }
    folder = project(
        tmp_path,
        secrets,
        pacs=web({"kind": "basic", "username": "u", "password": f"${{file:{secrets}/pass}}"}),
        export={"targets": [sink, {"kind": "folder", "path": "${project.workdir}/out"}]},
    )
    said = policy_now([folder])
    assert "files.example.org" in said.hosts
    assert {rule.name: rule.hosts for rule in said.secrets}["env:STORE"] == ["files.example.org"]
    (tmp_path / "made.yaml").write_text(yaml_of(said))
    assert "see" in own_policy([folder], tmp_path / "state")
    assert os.environ["PACSFLOW_POLICY"].endswith("state/policy.yaml")
    monkeypatch.setenv("PACSFLOW_POLICY", str(tmp_path / "made.yaml"))
    assert told(folder) == ""
    assert policy_for_deployment(folder) == said
    node = json.loads((folder / "pacs.yaml").read_text())
    (folder / "pacs.yaml").write_text(json.dumps(node | {"url": "https://evil.example.com/"}))
    assert "does not name" in told(folder)


def test_places_in_a_policy_are_whole_paths_without_steps_upwards(tmp_path, secrets):
    folder = project(tmp_path, secrets, export={"targets": [{"kind": "folder", "path": "../beside/out"}]})
    assert not [line for line in yaml_of(policy_now([folder])).splitlines() if ".." in line]


def test_hosts_are_compared_by_name_by_end_and_by_network():
    allowed = ["PACS.example.org", "*.s3.example.org", "10.1.0.0/16", "::1"]
    for host in ("pacs.example.org", "pacs.example.org.", "a.s3.example.org", "10.1.2.3", "[::1]"):
        assert is_host(host, allowed), host
    for host in (
        "",
        "s3.example.org",
        "as3.example.org",
        "10.2.0.1",
        "pacs.example.org@evil.com",
        "p\u0430cs.example.org",
    ):
        assert not is_host(host, allowed), host
