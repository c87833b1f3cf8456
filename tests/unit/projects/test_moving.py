"""Projects made of the files of other systems: their own examples and defaults."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from memory_keyring import memory_keyring
from pacsflow.cli.app import app
from pacsflow.errors import ProjectError
from pacsflow.query import load
from pacsflow.secrets import resolve
from unit.projects.old_systems import CHANNELS, PACSMAN, PACSNPULL, TROLLEY, moved, refused, written

pytestmark = pytest.mark.usefixtures("new_user")
PACSIFIER = {
    **{k: v for k, v in PACSMAN.items() if k != "server_ip"},
    "server_address": "localhost",
    "port": 4444,
    "move_port": 11112,
    "karnak_port": 11113,
}
README_QUERY = "StudyDate,PatientID\n20150512,123421\n,45322\n20180102,\n"


@pytest.mark.parametrize("config", [PACSMAN, PACSIFIER], ids=["pacsman", "pacsifier"])
def test_pacsman_example(config):
    said = moved("pacsman", written("config.json", config), written("query.csv", README_QUERY), "--project", "old")
    project, rows = load(Path("old"))
    node = project.pacs
    assert (node.host, node.port, node.called_aet, node.calling_aet) == (
        config.get("server_ip") or "localhost",
        4444,
        "SCU_STORE",
        "PACSMAN",
    )
    assert node.fetch.move_to
    assert (node.fetch.move_to.aet, node.fetch.move_to.port) == ("PACSMAN", 11112)
    assert node.limits.pause
    assert (node.limits.pause.every_series, node.limits.pause.seconds) == (30, 10)
    assert [dict(row.keys) for row in rows] == [
        {"StudyDate": "20150512", "PatientID": "123421"},
        {"PatientID": "45322"},
        {"StudyDate": "20180102"},
    ]
    assert project.deid.base == "none"
    assert "IDENTIFIABLE" in said
    assert "in the project's workdir, not to ./data" in said


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("StudyDate,PatientID\n20150512-20150612,124588\n", {"StudyDate": "20150512-20150612", "PatientID": "124588"}),
        (
            "ProtocolName,Modality,PatientBirthDate\nBEAT_SelfNav*,CT,19920611\n",
            {"ProtocolName": "BEAT_SelfNav*", "Modality": "CT", "PatientBirthDate": "19920611"},
        ),
    ],
)
def test_pacsmans_fourth_and_fifth_example(query, keys):
    said = moved("pacsman", written("config.json", PACSMAN), written("query.csv", query), "--project", "old")
    assert [dict(row.keys) for row in load(Path("old"))[1]] == [keys]
    assert "move_AET" in said


def test_pacsman_misspelt_column_and_new_ids():
    query = written("query.csv", "PatientID,SeriesDecription,new_ids\n1,BEAT_SelfNav*,P0001\n2,,P0002\n")
    said = moved("pacsman", written("config.json", PACSMAN), query, "--project", "old")
    project, rows = load(Path("old"))
    assert rows[0].keys["SeriesDescription"] == "BEAT_SelfNav*"
    assert (project.deid.base, project.deid.patient.source) == ("ps3.15-basic", "column")
    assert rows[1].extra == {"new_ids": "P0002"}
    assert {"ImageType": "SCREEN SAVE"} in project.deid.drop
    assert "clean-descriptors" in project.deid.options, (
        "PACSMAN left descriptions alone, and folders are called by them"
    )
    assert "descriptions are cleaned" in said
    for option in ("--delete_identifiable", "--remove_private_tags", "--fuzz_acq_dates"):
        assert option in said


def test_pacsman_table_of_new_ids():
    ids = written("ids.json", {"sub-123421": "P0001"})
    query = written("query.csv", "PatientID,new_ids\n123421,P0009\n")
    moved("pacsman", written("config.json", PACSMAN), query, "--new-ids", ids, "--project", "old")
    project, _ = load(Path("old"))
    assert project.deid.patient.source == "table"
    assert project.query.table
    assert project.query.table.columns == {"new_ids": "ignore"}


def test_pacsifiers_day_shifts_go_on_in_the_direction_given():
    ids = written("new_ids.json", {"123421": "P0009"})
    days = written("day_shift_lung.json", {"123421": 5, "sub-123421": 5})
    arguments = ("pacsman", written("config.json", PACSMAN), written("query.csv", "PatientID\n123421\n"))
    assert "--direction subtract" in refused(*arguments, "--new-ids", ids, "--day-shift", days)
    assert "--new-ids" in refused(*arguments, "--day-shift", days)
    said = moved(*arguments, "--new-ids", ids, "--day-shift", days, "--direction", "subtract", "--project", "old")
    assert "subtracted" in said
    dates = load(Path("old"))[0].deid.dates
    assert (dates.source, dates.direction, Path(dates.file).name) == ("table", "subtract", "day_shift_lung.json")


def test_places_that_the_command_names_are_seen_from_where_it_is_called():
    arguments = ("pacsman", written("config.json", PACSMAN), written("query.csv", README_QUERY), "--project")
    for name, out in (("a", "images"), ("b", "${project.workdir}/images"), ("c", "~/images")):
        moved(*arguments, f"projects/{name}", "--out", out)
    paths = [load(Path("projects", name))[0].export.targets[0].path for name in "abc"]
    workdir = load(Path("projects/b"))[0].workdir
    assert paths == [str(Path("images").absolute()), f"{workdir}/images", str(Path("~/images").expanduser())]


def test_a_table_or_channels_that_are_not_there_leave_nothing_behind():
    arguments = ("pacsman", written("config.json", PACSMAN), written("query.csv", README_QUERY))
    moved(*arguments, "--new-ids", "none.json", "--project", "old", expect=2)
    moved(*trolley()[:3], "--channels", "none.json", "--project", "old", expect=2)
    assert not Path("old").exists()
    assert not list(Path().rglob("*.key"))


def test_pacsman_query_that_stopped_it_half_way_is_reported_at_once():
    query = written("query.csv", "PatientID\n*\n\n7\n")
    said = moved("pacsman", written("config.json", PACSMAN), query, "--project", "old", expect=2)
    assert "asks for everything" in said
    assert Path("old/query.yaml").is_file()


def test_pacsnpull_example():
    query = [
        {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "1.2.3", "PatientID": "*"},
        {"QueryRetrieveLevel": "PATIENT", "PatientID": "77"},
    ]
    said = moved("pacsnpull", written("conf.json", {**PACSNPULL, "log_level": "DEBUG"}), written("move.json", query))
    assert all(key in said for key in ("client_ip", "log_level", "query_model", "query_break_count", "job_title"))
    project, rows = load(Path("move"))
    assert (project.pacs.called_aet, project.pacs.calling_aet, project.pacs.port) == ("ANY-SCP", "STORESCP", 4242)
    assert project.pacs.fetch.move_to
    assert project.pacs.fetch.move_to.port == 2000
    assert [(row.level, dict(row.keys)) for row in rows] == [
        ("study", {"StudyInstanceUID": "1.2.3", "PatientID": ""}),
        ("patient", {"PatientID": "77"}),
    ]


def trolley(**settings):
    """Settings, rows and channels of dicomtrolley's tool, as arguments."""
    files = (written("settings.yml", TROLLEY | settings), written("cases.csv", "PatientID\n77\n"))
    return "dicomtrolley", *files, "--channels", written("channels.json", CHANNELS), "--project", "old"


def test_dicomtrolley_by_mint_and_rad69():
    said = moved(*trolley())
    assert "left out: spare" in said
    assert "not to the folder given by -o" in said
    project, rows = load(Path("old"))
    node = project.pacs
    assert (node.finds_by, node.fetches_by) == ("mint", "rad69")
    assert node.address("rad69") == "https://vitrea.example.org/rids"
    assert (node.auth.kind, node.auth.username, node.auth.realm) == ("vitrea", "research", "Ward")
    assert resolve(node.auth.password) == "hunter2"
    assert project.export.targets[0].layout == "{study}/{series}"
    assert "hunter2" not in Path("old/pacs.yaml").read_text()
    assert [dict(row.keys) for row in rows] == [{"PatientID": "77"}]


def test_dicomtrolley_by_dicom_and_dicomweb():
    moved(*trolley(searcher_name="archive", downloader_name="web"))
    node = load(Path("old"))[0].pacs
    assert (node.finds_by, node.fetches_by, node.auth) == ("dimse", "dicomweb", None)
    assert (node.host, node.port, node.called_aet, node.calling_aet) == ("localhost", 4242, "ARCHIVE", "US")


def test_dicomtrolley_channels_come_out_of_the_old_keyring():
    arguments = trolley()
    Path("channels.json").unlink()
    with memory_keyring() as held:
        held.update({("dicomtrolleytool", name): json.dumps(channel) for name, channel in CHANNELS.items()})
        moved(*arguments[:3], "--project", "old")
        assert resolve(load(Path("old"))[0].pacs.auth.password) == "hunter2"
        assert held["pacsflow", "old-password"] == "hunter2"


def test_dicomtrolley_channels_that_are_not_there_are_reported():
    for name, number in (("lost", None), ("find", 3)):
        arguments = trolley(searcher_name=name)[:number]
        result = CliRunner().invoke(app, ["import", *arguments])
        assert isinstance(result.exception, ProjectError)
        assert "channel" in str(result.exception)
    assert not Path("old").exists()


def test_pacsmans_move_needs_somebody_to_move_to():
    config = written("config.json", {key: value for key, value in PACSMAN.items() if key != "move_AET"})
    said = refused("pacsman", config, written("query.csv", README_QUERY), "--move")
    assert "config.json: move_AET: is missing" in said


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"port": "many"}, "port"),
        ({"colour": "red"}, "colour"),
        ({"server_address": "twice"}, "either server_ip or server_address"),
    ],
)
def test_faulty_configuration_is_reported_by_field(change, told):
    config, query = written("config.json", {**PACSMAN, **change}), written("query.csv", README_QUERY)
    result = CliRunner().invoke(app, ["import", "pacsman", config, query, "--project", "old"])
    assert isinstance(result.exception, ProjectError)
    assert told in str(result.exception)
    assert not Path("old").exists()


def test_configuration_that_is_not_json():
    query = written("query.csv", README_QUERY)
    result = CliRunner().invoke(app, ["import", "pacsman", written("config.json", "{\n'a': 1}"), query])
    assert isinstance(result.exception, ProjectError)
    assert "config.json:2" in str(result.exception)


def test_pacsman_of_2019_names_no_port_of_ours():
    first = {key: PACSMAN[key] for key in ("server_ip", "port", "server_AET", "AET")}
    said = moved("pacsman", written("config.json", first), written("query.csv", README_QUERY), "--project", "old")
    assert load(Path("old"))[0].pacs.fetch.move_to is None
    assert "by C-GET only" in said


def test_pacsman_move_goes_to_the_other_application_entity():
    config = written("config.json", PACSMAN)
    moved("pacsman", config, written("query.csv", README_QUERY), "--project", "old", "--move")
    project, _ = load(Path("old"))
    assert project.pacs.fetch.move_to
    assert (project.pacs.fetch.move_to.aet, project.pacs.fetch.move_to.ours) == ("CLIENT", False)


def test_pacsifiers_gateway_is_named_and_left_out():
    config = {**PACSIFIER, "karnak_address": "10.0.0.7", "pynetdicom_port": 11114}
    said = moved("pacsman", written("config.json", config), written("query.csv", README_QUERY), "--project", "old")
    assert "left out: karnak_address, karnak_port, pynetdicom_port" in said
    assert "10.0.0.7" not in said


@pytest.mark.parametrize("header", ["patientID", "Patient_ID"])
def test_pacsmans_second_example_fails_with_what_to_write(header):
    query = written("query.csv", f"StudyDate,{header}\n20150512,123421\n")
    assert "PatientID" in moved("pacsman", written("config.json", PACSMAN), query, "--project", "old", expect=2)


def test_pacsnpulls_find_list_asks_back_what_is_a_star():
    query = [{"QueryRetrieveLevel": "STUDY", "PatientID": "77", "StudyDate": "*", "StudyDescription": "*"}]
    config = {**PACSNPULL, "job_title": "My job, 1", "query_model": "P"}
    said = moved("pacsnpull", written("conf.json", config), written("find.json", query))
    project, [row] = load(Path("find"))
    assert (project.pacs.name, dict(row.keys)) == (
        "My job, 1",
        {"PatientID": "77", "StudyDate": "", "StudyDescription": ""},
    )
    assert "pacsflow plan" in said


def test_a_password_that_is_kept_already_leaves_no_key_behind():
    taken = written("home/.config/pacsflow/keys/old-password.key", "another's\n")
    result = CliRunner().invoke(app, ["import", *trolley()])
    assert isinstance(result.exception, ProjectError)
    assert "old-password" in str(result.exception)
    assert [str(path) for path in Path().rglob("*.key")] == [taken]
    assert not Path("old").exists()
