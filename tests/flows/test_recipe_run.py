"""A recipe of `deid` through a whole run, in this process, as the flows run it."""

from pydicom import dcmread

from pacsflow.ledger import studies
from pacsflow.run.opening import open_session
from pacsflow.simpacs import SimPacs, phantom_archive
from project_folder import write_project
from whole_run import bring, find_rows

IMAGES = 3
RECIPE = """FORMAT dicom
%values own
FIELD PatientID
SPLIT PatientName by="^";minlength=4
%filter blacklist
LABEL Second half
equals InstanceNumber 3
%header
REPLACE SeriesDescription func:short
ADD InstitutionName SITE-1
JITTER StudyDate 7
REMOVE values:own
"""
FUNCTIONS = """def short(item, value, field, dicom):
    return str(field.element.value)[:3] + " shortened"
"""


def run(folder):
    """What became of each instance, and the delivered files."""
    with open_session(str(folder), action="run") as session:
        find_rows(session)
        bring(session)
        held = [
            each for plan in studies.planned(session.ledger) for each in studies.instances(session.ledger, plan.key)
        ]
    return sorted((one.status, one.reason) for one in held), sorted((folder.parent / "data" / "out").rglob("*.dcm"))


def test_a_run_applies_the_recipe_of_its_project(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "site.deid").write_text(RECIPE)
    (tmp_path / "p" / "site_functions.py").write_text(FUNCTIONS)
    with SimPacs(phantom_archive(1, matrix=16, images=IMAGES)) as pacs:
        [study] = pacs.archive.studies.values()
        node, row = {"port": pacs.port, "called_aet": pacs.aet}, {"id": "a", "StudyInstanceUID": study.uid}
        deid = {"recipe": "site.deid", "functions": "site_functions.py"}
        folder = write_project(tmp_path / "p", pacs=node, rows=[row], deid=deid)
        fates, files = run(folder)
    assert [reason for _, reason in fates if reason] == ["pixels: may show text (recipe, blacklist: Second half)"]
    assert len(files) == IMAGES - 1
    for file in files:
        ds = dcmread(file)
        assert ds.InstitutionName == "SITE-1"
        assert ds.SeriesDescription.endswith(" shortened")
        assert ds.StudyDate != study.attributes["StudyDate"]
        assert ds.LongitudinalTemporalInformationModified == "MODIFIED"
        assert study.attributes["PatientID"].encode() not in file.read_bytes()
