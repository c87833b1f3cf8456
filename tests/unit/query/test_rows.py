"""What a row may say: each mistake one problem, in its line, without the value of an identifier."""

import datetime as dt

import pytest

from yaml_folder import loaded, only_problem, problems_of, write_files


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "lung-ct"


def with_row(folder, row):
    return write_files(folder, query=f"rows:\n  - {row}\n")


def with_table(folder, text, more=""):
    write_files(folder, query=f"table:\n  file: c.csv\n{more}")
    (folder / "c.csv").write_text(text)
    return folder


def sent(folder):
    return dict(loaded(folder)[1][0].keys)


@pytest.mark.parametrize(
    ("row", "keys"),
    [
        ("{PatientID: '0045322'}", {"PatientID": "0045322"}),
        ("{PatientID: 45322, StudyDate: 20150512}", {"PatientID": "45322", "StudyDate": "20150512"}),
        ("{PatientID: '  7 ', Modality: '', StudyDescription: }", {"PatientID": "7"}),
        ("{StudyDate: 20150101-20151231, Modality: CT}", {"StudyDate": "20150101-20151231", "Modality": "CT"}),
        ("{StudyDate: 2015-01-01 - 2015-12-31}", {"StudyDate": "20150101-20151231"}),
        ("{StudyDate: 20150101-}", {"StudyDate": "20150101-"}),
        ("{StudyDate: '-20151231'}", {"StudyDate": "-20151231"}),
        ("{StudyDate: 20150101-29991231}", {"StudyDate": "20150101-29991231"}),
        ("{PatientID: a, StudyTime: '12:30'}", {"PatientID": "a", "StudyTime": "1230"}),
        ("{PatientID: a, StudyTime: 0800-1200}", {"PatientID": "a", "StudyTime": "0800-1200"}),
        ("{PatientID: a, SeriesNumber: '005'}", {"PatientID": "a", "SeriesNumber": "5"}),
        ("{PatientID: a, ProtocolName: BEAT_SelfNav*}", {"PatientID": "a", "ProtocolName": "BEAT_SelfNav*"}),
        ("{StudyInstanceUID: 1.2.840.1}", {"StudyInstanceUID": "1.2.840.1"}),
        ("{StudyInstanceUID: 1.20}", {"StudyInstanceUID": "1.20"}),
        ("{StudyInstanceUID: [1.2.3, 1.2.4]}", {"StudyInstanceUID": "1.2.3\\1.2.4"}),
        ("{PatientName: 'ΑΒΓ^Δ*'}", {"PatientName": "ΑΒΓ^Δ*"}),
        ("{PatientBirthDate: 19920611, Modality: CT}", {"PatientBirthDate": "19920611", "Modality": "CT"}),
        ("{PatientBirthDate: 1899-12-31, PatientID: a}", {"PatientBirthDate": "18991231", "PatientID": "a"}),
        (
            "{PatientID: a, PatientSex: F, InstitutionName: 'A*'}",
            {"PatientID": "a", "PatientSex": "F", "InstitutionName": "A*"},
        ),
    ],
)
def test_a_row_is_sent_as_dicom_writes_it(folder, row, keys):
    assert sent(with_row(folder, row)) == keys


@pytest.mark.parametrize(
    ("row", "field", "said"),
    [
        ("{PatientID: 0045322}", "PatientID", "write it in quotes"),
        ("{PatientID: 1_000}", "PatientID", "write it in quotes"),
        ("{PatientID: 0x1F}", "PatientID", "write it in quotes"),
        ("{PatientID: true}", "PatientID", "write it in quotes"),
        ("{AccessionNumber: 12.50}", "AccessionNumber", "write it in quotes"),
        ("{AccessionNumber: 1e5}", "AccessionNumber", "write it in quotes"),
        ("{PatientID: '*'}", "PatientID", "asks for everything"),
        ("{PatientID: '?*'}", "PatientID", "asks for everything"),
        ("{StudyDate: '20150101', PatientName: '*^*'}", "PatientName", "asks for everything"),
        ("{PatientID: 'a\\b'}", "PatientID", "holds a backslash"),
        ('{PatientID: "a\\tb"}', "PatientID", "invisible character"),
        ('{PatientID: "a\\u200bb"}', "PatientID", "invisible character"),
        ("{PatientID: [a, b]}", "PatientID", "is not text"),
        ("{PatientID: {a: b}}", "PatientID", "is not text"),
        (f"{{PatientID: {'x' * 65}}}", "PatientID", "longer than the 64 characters"),
        (f"{{AccessionNumber: {'x' * 17}}}", "AccessionNumber", "longer than the 16 characters"),
        (f"{{PatientName: {'x' * 65}}}", "PatientName", "longer than the 64 characters"),
        (f"{{StudyInstanceUID: 1.{'2' * 63}}}", "StudyInstanceUID", "longer than the 64 characters"),
        ("{StudyInstanceUID: 1.2.x}", "StudyInstanceUID", "is not a UID"),
        ("{StudyInstanceUID: '1.٢'}", "StudyInstanceUID", "is not a UID"),
        ("{StudyInstanceUID: 1.2.*}", "StudyInstanceUID", "is not a UID"),
        ("{StudyDate: 2015-02-29}", "StudyDate", "is not a date"),
        ("{StudyDate: 20151301}", "StudyDate", "is not a date"),
        ("{StudyDate: 12.05.2015}", "StudyDate", "date_formats"),
        ("{StudyDate: 42136}", "StudyDate", "spreadsheet's day number"),
        ("{StudyDate: 1815-05-12}", "StudyDate", "too long ago"),
        ("{StudyDate: 2999-05-12}", "StudyDate", "in the future"),
        ("{StudyDate: 20151231-20150101}", "StudyDate", "ends before it begins"),
        ("{StudyDate: '-'}", "StudyDate", "is not a date"),
        ("{PatientID: a, StudyTime: '25:00'}", "StudyTime", "is not a time"),
        ("{PatientID: a, SeriesNumber: five}", "SeriesNumber", "is not a whole number"),
        ("{PatientID: a, Modality: ct}", "Modality", "capital letters"),
        ("{PatientID: a, Modality: 'CT,MR'}", "Modality", "is not a code string"),
        ("{PatientID: a, Sex: F}", "rows[0].Sex", "is not a keyword to ask by"),
        ("{patientID: a}", "rows[0].patientID", "write `PatientID`"),
        ("{Date: 2015-05-12}", "rows[0].Date", "write `StudyDate`"),
        ("{PatientID: a, PixelData: x}", "rows[0].PixelData", "cannot be asked for"),
        ("{PatientID: a, RequestAttributesSequence: x}", "rows[0].RequestAttributesSequence", "cannot be asked for"),
        ("{id: a, Modality: CT}", "", "neither an identifier nor a date"),
        ("{id: a}", "", "neither an identifier nor a date"),
        ("{AcquisitionDate: 2015-05-12, Modality: CT}", "", "only images answer AcquisitionDate"),
        ("{SOPInstanceUID: 1.2.3}", "", "only images answer SOPInstanceUID"),
        ("{PatientID: ''}", "", "the row is empty"),
        ("{}", "", "the row is empty"),
        ("{id: '', PatientID: a}", "id", "has no id"),
    ],
)
def test_a_mistake_in_a_row_is_one_problem(folder, row, field, said):
    problem = only_problem(with_row(folder, row))
    assert (problem.file, problem.line, problem.field) == ("query.yaml", 2, field)
    assert said in str(problem)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{PatientID: a, StudyTime: '1200'}", "StudyTime: often differs"),
        ("{PatientID: a, StudyID: '1'}", "StudyID: is a local number"),
        ("{PatientID: 'a*'}", "a wildcard in an identifier"),
        ("{PatientName: Doe}", "FAMILY^GIVEN"),
        ("{StudyInstanceUID: 1.02.3}", "begins with zero"),
        ("{PatientID: '123.0'}", "ends in .0"),
    ],
)
def test_what_misleads_draws_a_warning_that_says_why(folder, row, said):
    (warning,) = loaded(with_row(folder, row))[1][0].warnings
    assert said in warning


def test_no_problem_repeats_what_identifies_a_patient(folder):
    told = "MEIER-4711"
    cells = {
        "PatientID": f"{told}\\1",
        "PatientName": f"{told}{'x' * 64}",
        "AccessionNumber": f"{told}{'x' * 16}",
        "PatientBirthDate": told,
        "StudyInstanceUID": told,
        "Modality": told.lower(),
        "StudyDate": told,
        "SeriesNumber": told,
    }
    with_table(folder, f"{','.join(cells)}\n{','.join(cells.values())}\n")
    problems = problems_of(folder)
    assert len(problems) == len(cells)
    assert told not in "\n".join(map(str, problems)).upper()


@pytest.mark.parametrize("cells", ["", ",MR", ",Dale,Timea,Patience", ",Modi,20150512,F"])
def test_a_table_without_headings_is_reported_without_its_first_row(folder, cells):
    line = f"0045322,MEIER^ANNA{cells}"
    problem = only_problem(with_table(folder, f"{line}\n{line}\n"))
    assert (problem.file, problem.line) == ("c.csv", 1)
    assert not [cell for cell in line.split(",") if cell in str(problem).replace("Modality", "")]


def test_headings_that_are_all_misspelt_are_guessed_at_by_their_place(folder):
    problem = only_problem(with_table(folder, "Patiend_ID,StudyDat\n1,20150512\n"))
    assert problem.fix.endswith("column 1 may be meant for `PatientID`; column 2 may be meant for `StudyDate`")


def test_headings_in_other_words_and_cases_are_known(folder):
    with_table(folder, "query id,mrn,DATE OF STUDY,Accession Number,Mod,Description\nq7,1,2015-05-12,E1,CT,x\n")
    (row,) = loaded(folder)[1]
    assert row.id == "q7"
    assert dict(row.keys) == {
        "PatientID": "1",
        "StudyDate": "20150512",
        "AccessionNumber": "E1",
        "Modality": "CT",
        "StudyDescription": "x",
    }


@pytest.mark.parametrize(
    ("head", "more", "field", "said"),
    [
        ("MRN,patientNam", "", "patientNam", "write `PatientName`"),
        ("patientID,Mod", "", "patientID", "write `PatientID`"),
        ("MRN,Acession", "", "Acession", "write `AccessionNumber`"),
        ("MRN,Ward", "", "Ward", "`Ward: ignore`"),
        ("MRN,new_ids", "", "new_ids", "source: column"),
        ("MRN,PatientID", "", "PatientID", "means PatientID, as `MRN` does"),
        ("MRN,ID,Query", "", "", "which one is the row's id?"),
        ("MRN,PixelData", "", "PixelData", "cannot be asked for"),
        ("MRN,A", "  columns: {A: PatientNam}\n", "A", "write `PatientName`"),
        ("MRN,A", "  columns: {A: ignore, Bb: ignore}\n", "Bb", "no such column"),
        ("MRN,A", "  columns: {A: ignore}\n  id_column: Aa\n", "Aa", "no such column"),
    ],
)
def test_a_column_that_is_not_understood_is_one_problem_of_the_heading_line(folder, head, more, field, said):
    problem = only_problem(with_table(folder, f"{head}\n{','.join('1' for _ in head.split(','))}\n", more))
    assert (problem.file, problem.line, problem.field) == ("c.csv", 1, field)
    assert said in str(problem)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ("  look_around_days: {StudyDat: 1}\n", "table.look_around_days.StudyDat"),
        ("  look_around_days: {PatientID: 1}\n", "table.look_around_days.PatientID"),
        ("  look_around_days: {StudyDate: -1}\n", "table.look_around_days.StudyDate"),
        ("  zero_pad: {PatientID: 0}\n", "table.zero_pad.PatientID"),
        ("  zero_pad: {PatientNumber: 7}\n", "table.zero_pad.PatientNumber"),
        ("  date_formats: [DD.MM.YYYY]\n", "table.date_formats[0]"),
    ],
)
def test_options_of_a_table_must_make_sense(folder, more, field):
    assert only_problem(with_table(folder, "MRN\n1\n", more)).field == field


def test_days_around_a_date_are_asked_too(folder):
    text = "MRN,Date\n1,2015-01-01\n2,20150105-20150106\n3,20150105-\n"
    with_table(folder, text, "  look_around_days: {StudyDate: 2}\n")
    dates = [row.keys["StudyDate"] for row in loaded(folder)[1]]
    assert dates == ["20141230-20150103", "20150103-20150108", "20150103-"]


def test_dates_in_the_projects_own_format(folder):
    text = "MRN,Date\n1,12.05.2015\n2,01.01.2015 - 31.12.2015\n3,2015-05-12\n4,2015-05-12 00:00:00\n"
    with_table(folder, text, "  date_formats: ['%d.%m.%Y']\n")
    dates = [row.keys["StudyDate"] for row in loaded(folder)[1]]
    assert dates == ["20150512", "20150101-20151231", "20150512", "20150512"]


def test_tomorrow_is_still_a_date_for_those_who_are_ahead(folder):
    soon = dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1)
    assert sent(with_row(folder, f"{{StudyDate: {soon}}}"))["StudyDate"] == f"{soon:%Y%m%d}"


def test_rows_and_table_stand_beside_each_other_and_are_counted_together(folder):
    write_files(folder, query="rows: [{id: A, PatientID: '1'}, {PatientID: '2'}]\ntable: {file: c.csv}\n")
    (folder / "c.csv").write_text("MRN\n3\n")
    rows = loaded(folder)[1]
    assert [(row.number, row.id, row.origin) for row in rows] == [
        (1, "A", ("query.yaml", 1)),
        (2, "2", ("query.yaml", 1)),
        (3, "3", ("c.csv", 2)),
    ]


def test_an_id_that_repeats_is_reported_by_row_and_line(folder):
    with_table(folder, "ID,MRN\nx,1\ny,2\nx,3\n")
    problem = only_problem(folder)
    assert (problem.line, problem.message) == (4, "the row's id is also that of row 1 (c.csv:2)")


def test_there_must_be_rows(folder):
    assert only_problem(write_files(folder, query="level: study\n")).message == "there are no rows"
    assert only_problem(write_files(folder, query="rows: []\n")).message == "there are no rows"
    assert only_problem(with_table(folder, "MRN\n")).message == "there are no rows"


def test_a_bad_row_500_is_found_with_all_others(folder):
    good = "".join(f"{number},2015-05-12\n" for number in range(1, 500))
    with_table(folder, f"MRN,Date\n{good}500,2015-02-31\n501,x\n")
    assert [problem.line for problem in problems_of(folder)] == [501, 502]


def test_a_row_shows_no_value_of_itself(folder):
    (row,) = loaded(with_row(folder, "{id: MEIER-1, PatientID: 'MEIER-2'}"))[1]
    assert "MEIER" not in repr(row)


def test_a_row_of_level_patient_chooses_no_study(folder):
    write_files(folder, query="level: patient\nrows:\n  - {PatientID: '1', StudyDate: 20150512}\n")
    problem = only_problem(folder)
    assert (problem.line, "StudyDate chooses" in problem.message) == (3, True)
    write_files(folder, query="level: patient\nrows: [{PatientID: '1', PatientSex: F}]\n")
    assert loaded(folder)[1][0].level == "patient"


def test_a_table_of_pacsmans_columns_is_taken_as_it_is(folder):
    cells = {
        "StudyDate": "20150101-20151231",
        "StudyTime": "",
        "SeriesDescription": "BEAT_SelfNav*",
        "PatientID": "0045322",
        "ProtocolName": "",
        "StudyInstanceUID": "",
        "SeriesInstanceUID": "",
        "PatientName": "",
        "PatientBirthDate": "19500101",
        "DeviceSerialNumber": "123",
        "AcquisitionDate": "",
        "Modality": "MR",
        "ImageType": "ORIGINAL",
        "SeriesNumber": "5",
        "StudyDescription": "",
        "AccessionNumber": "",
        "SequenceName": "",
    }
    with_table(folder, f"{','.join(cells)}\n{','.join(cells.values())}\n")
    assert sent(folder) == {keyword: value for keyword, value in cells.items() if value}
