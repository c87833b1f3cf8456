"""Targets that would write where another one does, where the project keeps its own, or patients' names."""

import pytest
from pydicom.datadict import tag_for_keyword

from pacsflow.deid.compile_rules import Compiler
from pacsflow.deid.rules import iod_types
from pacsflow.deid.rules.actions import Clean
from pacsflow.projects.bids import DESCRIPTIONS
from schemas import DeidProfile
from yaml_folder import loaded, only_problem, problems_of, write_files

FOLDER = "{kind: folder, path: '${project.workdir}/out'}"
NODE = "host: a, port: 104, called_aet: B"
CLOUD = "kind: storage, url: s3://bucket/lung"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "lung-ct"


def with_targets(folder, *targets, **files):
    listed = "targets:\n" + "".join(f"  - {each}\n" for each in targets)
    named = "nifti: [{modality: MR, bids: bids.yaml}]\n" if "kind: bids" in listed else ""
    write_files(folder, export=listed + named, **files)
    (folder / "bids.yaml").write_text("rules: [{when: {Modality: MR}, leave_out: true}]\n")
    return folder


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (FOLDER, "{kind: folder, path: '${project.workdir}/out', layout: '{study}/{series}'}"),
        (FOLDER, "{kind: bids, path: '${project.workdir}/./out', name: N}"),
        (FOLDER, "{kind: dicomdir, path: ../data/out}"),
        ("{kind: folder, path: /data/out}", "{kind: storage, url: file:///data/out/}"),
        (f"{{{CLOUD}}}", f"{{{CLOUD}/, dicom: false}}"),
        (f"{{kind: dicom, {NODE}}}", "{kind: dicom, host: A, port: 104, called_aet: B, calling_aet: C}"),
        (f"{{kind: karnak, {NODE}, album: x}}", f"{{kind: karnak, {NODE}, album: x}}"),
        ("{kind: dicomweb, url: 'https://a/b'}", "{kind: dicomweb, url: 'https://a/b/'}"),
    ],
)
def test_two_targets_of_one_place_are_refused(folder, one, other):
    problem = only_problem(with_targets(folder, one, "{kind: folder, path: /data/elsewhere}", other))
    assert (problem.file, problem.line, problem.field) == ("export.yaml", 4, "targets[2]")
    assert "to the same place as target 1" in problem.message


@pytest.mark.parametrize(
    "target",
    [
        "{kind: storage, url: 'sftp://me:quiet-word@h/x'}",
        "{kind: storage, url: 's3://b', options: {endpoint_url: 'https://me:quiet-word@h'}}",
        "{kind: storage, url: 's3://b', options: {client_kwargs: {aws_secret_access_key: quiet-word}}}",
        "{kind: dicomweb, url: 'https://me:quiet-word@h/x'}",
        "{kind: xnat, url: 'https://h', project: P, username: u, password: quiet-word}",
        "{kind: archive, password: quiet-word}",
        "{kind: archive, password: ''}",
    ],
)
def test_a_secret_in_a_target_is_one_mistake_and_never_repeated(folder, target):
    problem = only_problem(with_targets(folder, target))
    assert (problem.file, problem.line) == ("export.yaml", 2)
    assert problem.fix or "reference" in problem.message
    assert "quiet-word" not in str(problem)


def test_targets_that_only_look_alike_are_several(folder):
    alike = [
        FOLDER,
        "{kind: bids, path: '${project.workdir}/bids', name: N}",
        f"{{{CLOUD}}}",
        f"{{{CLOUD}, options: {{endpoint_url: 'https://s3.example.org'}}}}",
        f"{{kind: karnak, {NODE}, album: x}}",
        f"{{kind: karnak, {NODE}, album: y}}",
        f"{{kind: dicom, {NODE}}}",
        f"{{kind: dicom, {NODE}2}}",
    ]
    assert problems_of(with_targets(folder, *alike)) == []


@pytest.mark.parametrize("place", ["staging", "private/out", "report"])
def test_what_the_project_keeps_for_itself_is_not_a_target(folder, place):
    problem = only_problem(with_targets(folder, f"{{kind: archive, path: ../data/{place}, password: '${{env:P}}'}}"))
    assert (problem.line, problem.field) == (2, "targets[0].path")
    assert "keeps for itself" in problem.message


@pytest.mark.parametrize("kind", ["storage, url: 'sftp://a/b'", "archive, password: '${env:P}'", "folder, path: /d"])
def test_the_layout_of_every_kind_is_read_before_a_run(folder, kind):
    target = f"{{kind: {kind}, layout: 'sub-{{patiend}}/{{series}}'}}"
    assert "use patient" in only_problem(with_targets(folder, target)).fix
    nothing = f"{{kind: {kind}, dicom: false, nifti: false}}"
    assert "neither DICOM nor NIfTI" in only_problem(with_targets(folder, nothing)).message


def test_the_patient_id_of_identifiable_images_is_not_a_code_for_karnak(folder):
    target = f"{{kind: karnak, {NODE}, album: x}}"
    problem = only_problem(with_targets(folder, target, deid="base: none\n"))
    assert (problem.file, problem.line) == ("export.yaml", 2)
    assert "would send the Patient ID itself as the code" in problem.message
    named = with_targets(folder, f"{target[:-1]}, new_ids: ids.json}}", deid="base: none\n")
    assert only_problem(named).message == "names no file"
    (folder / "ids.json").write_text("{")
    assert only_problem(named).file == "ids.json"
    (folder / "ids.json").write_text('{"sub-1": "P1"}')
    assert problems_of(named) == []


@pytest.mark.parametrize(
    ("target", "field"),
    [
        (f"{{kind: dicom, {NODE}, tls: {{ca: none.pem}}}}", "tls.ca"),
        (f"{{kind: karnak, {NODE}, album: x, tls: {{ca: none.pem}}}}", "tls.ca"),
        ("{kind: dicomweb, url: 'https://a/b', ca: none.pem}", "ca"),
        ("{kind: dicomweb, url: 'https://a/b', auth: {kind: certificate, certificate: a, key: k}}", "auth.certificate"),
        ("{kind: xnat, url: 'https://a', project: P, username: u, password: '${env:P}', ca: none.pem}", "ca"),
        ("{kind: storage, url: 'sftp://a/b', options: {known_hosts: none}}", "options.known_hosts"),
        ("{kind: storage, url: 'sftp://a/b', options: {known_hosts: '~/none'}}", "options.known_hosts"),
        ("{kind: storage, url: 's3://a/b', options: {ca: true}}", "options.ca"),
    ],
)
def test_a_file_that_a_target_names_is_there_before_a_run(folder, target, field):
    (with_targets(folder, target) / "k").write_text("")
    problem = only_problem(folder)
    assert (problem.line, problem.field, problem.message) == (2, f"targets[0].{field}", "names no file")


@pytest.mark.parametrize(
    ("target", "field", "fix"),
    [
        ("url: ftp://a/b", "url", "ftps://"),
        ("url: http://a/b", "url", "webdavs://"),
        ("url: s3://a/b, options: {endpoint_url: 'http://s3.example.org'}", "options.endpoint_url", "https://"),
    ],
)
def test_an_address_that_all_could_read_on_its_way_is_refused_before_a_run(folder, target, field, fix):
    problem = only_problem(with_targets(folder, f"{{kind: storage, {target}}}"))
    assert (problem.line, problem.field, problem.message) == (2, f"targets[0].{field}", "is not taken")
    assert fix in problem.fix


@pytest.mark.parametrize("album", ["Étude", "a\\\\b", "x" * 65])
def test_an_album_that_cannot_stand_in_dicom_is_not_an_album(folder, album):
    problem = only_problem(with_targets(folder, f'{{kind: karnak, {NODE}, album: "{album}"}}'))
    assert problem.field == "targets[0].album"


def test_files_of_a_storages_options_start_at_the_file_that_says_them(folder):
    options = "{username: u, known_hosts: keys/known, key_filename: '${env:KEY_FILE}'}"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys/known").write_text("")
    project, _ = loaded(with_targets(folder, f"{{kind: storage, url: 'sftp://a/b', options: {options}}}"))
    assert project.export.targets[0].options == {
        "username": "u",
        "known_hosts": str(folder / "keys/known"),
        "key_filename": "${env:KEY_FILE}",
    }


def test_bids_labels_from_descriptions_that_the_profile_empties_would_never_be_filled(folder):
    with_targets(folder, FOLDER, "{kind: bids, path: ../bids, name: N}")
    rules = "rules: [{when: {ProtocolName: 'T1*'}, datatype: func, suffix: bold, entities: {task: LABEL}}]\n"
    (folder / "bids.yaml").write_text(rules.replace("LABEL", "rest"))
    assert problems_of(folder) == [], "conditions are put to the originals"
    (folder / "bids.yaml").write_text(rules.replace("LABEL", "'{ProtocolName}'"))
    problem = only_problem(folder)
    assert (problem.file, problem.line, problem.field) == ("export.yaml", 4, "nifti[0].bids")
    assert "labels are filled from ProtocolName, which the profile empties" in problem.message
    for profile in (
        "options: [clean-descriptors]\n",
        "elements: [{tag: ProtocolName, action: keep}]\n",
        "elements: [{tag: '(0018,1030)', action: keep}]\n",
        "elements: [{tag: '(0018, 1030)', action: replace, value: T1}]\n",
        "vrs: {LO: keep}\n",
    ):
        (folder / "deid.yaml").write_text(f"key: ${{env:PACSFLOW_TEST_KEY}}\n{profile}")
        assert problems_of(folder) == []


def test_the_descriptions_named_are_those_of_the_option():
    for options, cleaned in (([], False), (["clean-descriptors"], True)):
        rules = Compiler(DeidProfile(key="${env:K}", options=options)).rules(iod_types.conservative)
        actions = [rules.actions[tag_for_keyword(keyword)] for keyword in DESCRIPTIONS]
        assert {isinstance(action, Clean) for action in actions} == {cleaned}
