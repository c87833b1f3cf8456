"""Nodes of web services: which addresses their protocols need, and which ways go together."""

import pytest

from pacsflow.projects import read_project
from yaml_folder import FILES, only_problem, problems_of, write_files

WEB = "name: web\nprotocol: dicomweb\nurl: https://pacs.example.org/dicom-web/\n"
URLS = "urls: {dicomweb: 'https://a/dicom-web', wado-uri: 'https://a/wado'}\n"


@pytest.mark.parametrize(
    "text",
    [
        WEB,
        "name: web\nprotocol: wado-uri\nfind: dicomweb\n" + URLS,
        FILES["pacs"] + "fetch: {method: wado-rs}\nurl: http://pacs.example.org/dicom-web\n",
        FILES["pacs"] + "find: dicomweb\n" + URLS,
        WEB + "auth: {kind: basic, username: research, password: '${env:WEB_PASSWORD}'}\n",
        WEB + "auth: {kind: vitrea, login_url: 'https://a/login', username: a, password: '${env:WEB_PASSWORD}'}\n",
    ],
)
def test_a_node_needs_the_addresses_of_its_protocols_only(tmp_path, text):
    assert problems_of(write_files(tmp_path / "a", pacs=text)) == []


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("name: web\nprotocol: dicomweb\n", "url", "is missing"),
        (FILES["pacs"] + "fetch: {method: wado-uri}\n", "url", "is missing"),
        ("name: web\nprotocol: wado-uri\nfind: dicomweb\nurl: https://a\n", "urls", "address of its own"),
        ("name: web\nprotocol: wado-uri\nurl: https://a\n", "protocol", "wado-uri cannot query"),
        ("name: web\nprotocol: mint\nfind: dicomweb\nurl: https://a\n", "protocol", "mint cannot fetch"),
        (FILES["pacs"] + "find: rad69\n", "find", "rad69 cannot query"),
        ("name: main\nport: 104\ncalled_aet: MAINPACS\n", "host", "is missing"),
        (WEB + "ca: nowhere.pem\n", "ca", "names no file"),
        (WEB + "tls: {ca: nowhere.pem}\n", "tls.ca", "names no file"),
        (WEB.replace("https", "http") + "auth: {kind: bearer, token: '${env:A}'}\n", "auth", "for all to read"),
        (WEB + "auth: {kind: bearer, token: hunter2}\n", "auth.token", "not the right form"),
        (WEB + "auth: {kind: kerberos}\n", "auth", "must say one of"),
        ("name: web\nprotocol: dicomweb\nurl: https://me:hunter2@a\n", "url", "not the right form"),
        ("name: web\nprotocol: rad69\nfind: mint\nurls: {mint: 'https://me:hunter2@a'}\n", "urls.mint", "right form"),
        (FILES["pacs"] + "auth: {kind: bearer, token: '${env:A}'}\n", "auth", "web services only"),
        (FILES["pacs"] + "ca: lung-ct.pem\n", "ca", "web services only"),
    ],
)
def test_a_mistake_is_reported_where_it_stands(tmp_path, text, field, said):
    folder = write_files(tmp_path / "a", pacs=text)
    (folder / "lung-ct.pem").write_text("")
    problems = problems_of(folder)
    assert field in {problem.field for problem in problems}
    [problem] = [problem for problem in problems if problem.field == field]
    assert said in problem.message
    assert "hunter2" not in str(problem)


def test_paths_start_at_the_file_that_says_them(tmp_path):
    folder = write_files(
        tmp_path / "a", pacs=WEB + "ca: ca.pem\nauth: {kind: certificate, certificate: o.pem, key: o.key}\n"
    )
    for name in ("ca.pem", "o.pem", "o.key"):
        (folder / name).write_text("")
    node = read_project(folder).pacs
    assert (node.ca, node.auth.certificate, node.auth.key) == tuple(
        str(folder / n) for n in ("ca.pem", "o.pem", "o.key")
    )
    assert node.place == "https://pacs.example.org/dicom-web"


def test_the_only_mistake_of_an_empty_node_is_what_it_lacks(tmp_path):
    problem = only_problem(write_files(tmp_path / "a", pacs="name: main\nhost: a\nport: 104\n"))
    assert (problem.field, problem.message) == ("called_aet", "is missing")
