"""What Medical-Imaging-Downloader takes where a file of its own, or a key of it, is missing."""

from collections.abc import Mapping

SELF = "<SELF>"
NUMBER = "QueryNumber"
"""The row's own number; `Query` in its first version."""
IDENTIFIERS = (
    "PatientID", "StudyDate", "AccessionNumber", "StudyDescription", "SeriesDescription", "Modality", "SeriesNumber",
    "StudyInstanceUID", "SeriesInstanceUID",
)  # fmt: skip
"""What a query may ask by."""
USER = {"default_src": "BMC PACS", "default_dest": SELF}
WIPED = dict.fromkeys(("DT", "DA", "TM", "UI", "PN", "SQ"), "")
"""VRs that were wiped."""
IMAGES: Mapping[str, list[str | int]] = {
    "Modality": ["SR"],
    "SeriesDescription": ["Summary", "Report", "Outside", "Text"],
    "SeriesNumber": ["999"],
}
"""Images that were left out."""
TAGS: Mapping[str, list[str]] = {
    "DS": ["PatientBodyMassIndex", "PatientSize", "PatientWeight"],
    "SH": ["AccessionNumber", "ImplementationVersionName", "PerformedProcedureStepID", "StationName", "StudyID"],
    "IS": ["AcquisitionNumber"],
    "LO": ["FillerOrderNumberImagingServiceRequest", "InstitutionName", "IssuerOfPatientID", "PatientAddress",
           "PatientID", "RequestingService"],
}  # fmt: skip
"""Attributes that were wiped one by one; those of WIPED's representations need no list."""
HEADINGS: Mapping[str, list[str]] = {
    NUMBER: ["ID", "Query", "Query ID", "QueryID", "Index", "Query Number"],
    "PatientID": ["MRN"],
    "StudyDate": ["Date", "Study Date", "Date of Study"],
    "StudyTime": ["Time", "Study Time", "Time of Study"],
    "StudyDescription": ["Study Description", "Description"],
    "SeriesDescription": ["Series Description"],
    "Modality": ["Mod"],
    "SeriesNumber": ["Series Number"],
    "StudyInstanceUID": ["StudyUID", "Study UID"],
    "SeriesInstanceUID": ["SeriesUID", "Series UID"],
    "AccessionNumber": ["Accession", "Accession Number"],
}
"""Headings of its Excel files."""
