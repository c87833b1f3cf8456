"""deid.yaml: the anonymization profile (PS3.15 Annex E)."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from schemas._base import Model, OneOf, Secret
from schemas.sources import SOURCES

Option = Literal[
    "retain-safe-private",
    "retain-uids",
    "retain-device-identity",
    "retain-institution-identity",
    "retain-patient-characteristics",
    "retain-longitudinal-full-dates",
    "retain-longitudinal-modified-dates",
    "clean-descriptors",
    "clean-structured-content",
    "clean-graphics",
]
Action = Literal["keep", "remove", "empty", "replace", "dummy", "uid", "date", "clean"]


class Patient(Model):
    """Where pseudonyms come from."""

    source: Annotated[str, OneOf(tuple(SOURCES))] = Field(
        "keyed", description="keyed: computed from the patient id and the project's key, the same for ever"
    )
    prefix: str = Field(
        "",
        max_length=32,
        pattern=r"^[A-Za-z0-9_.-]*$",
        description="Put before keyed and sequential pseudonyms",
    )
    file: str | None = Field(None, description="Pseudonym table of `source: table`")
    shared: bool = Field(
        default=False,
        description="Of `source: table`: ids that have the same pseudonym in it are one patient's, on purpose; "
        "they have one day shift",
    )
    url: Annotated[str, Field(pattern=r"^https://[^\s@?#]+$")] | None = Field(
        None,
        description="Address of the de-identification service of `source: api`",
        examples=["https://deid.example.org/api"],
    )
    token: Secret | None = Field(None, description="Token of the de-identification service")
    column: str | None = Field(None, description="Column of the query table of `source: column`")

    @model_validator(mode="after")
    def _complete(self) -> "Patient":
        for source, spec in SOURCES.items():
            wrong = [name for name in spec.fields if (getattr(self, name) is not None) != (self.source == source)]
            wrong += [name for name in spec.options if getattr(self, name) and self.source != source]
            if wrong:
                raise ValueError(f"{wrong[0]}: goes with `source: {source}`, and only there")
        return self


class Dates(Model):
    """What happens to dates under retain-longitudinal-modified-dates, and what the shift is."""

    method: Literal["shift", "keep", "remove", "year"] = Field("shift", description="shift: one shift per patient")
    source: Literal["keyed", "api", "table"] = Field(
        "keyed",
        description="Where the shift is from; api: the service of `patient.url`, at the same address + `_shift`; "
        "table: `file`, and a patient without a shift in it is refused",
    )
    file: str | None = Field(
        None,
        description="Table of `source: table`: JSON {patient id: days}, or CSV of two columns",
        examples=["day_shift_lung-ct.json"],
    )
    direction: Literal["subtract", "add"] | None = Field(
        None,
        description="What was done with the numbers of `source: table` or `api` until now; must be said there. "
        "subtract: Karnak, which reads PACSIFIER's day_shift files and the De-ID API (20200110 and 5: 20200105); "
        "add: pacsflow (20200110 and -5: 20200105)",
    )
    days: tuple[int, int] = Field(
        (-365, -1), description="Range of the shift, in days, both ends included; 0 is never drawn"
    )

    @model_validator(mode="after")
    def _range(self) -> "Dates":
        if self.days[0] > self.days[1]:
            raise ValueError("days: the first number must not be above the second")
        if self.days == (0, 0):
            raise ValueError("days: 0 leaves the true dates; write a range with other numbers, as [-365, -1]")
        if (self.file is not None) != (self.source == "table"):
            raise ValueError("file: goes with `source: table`, and only there")
        if (self.direction is None) != (self.source == "keyed"):
            raise ValueError(
                "direction: goes with `source: table` or `api`, and only there"
                if self.direction
                else "direction: is missing: write `direction: subtract` for numbers that Karnak has used (PACSIFIER's "
                "day_shift files, the De-ID API), `direction: add` where they were added to dates"
            )
        return self


class Uids(Model):
    """New UIDs."""

    root: Annotated[str, Field(pattern=r"^[0-2](\.(0|[1-9]\d*))+$", max_length=24)] = Field(
        "2.25", description="Root of new UIDs: 2.25 (PS3.5 B.2) or your organisation's"
    )
    private: list[Annotated[str, Field(pattern=r"^[0-2](\.(0|[1-9]\d*))+$", max_length=64)]] = Field(
        default=[],
        description="Private SOP classes and transfer syntaxes of your devices; instances of unknown ones are refused",
        examples=[["1.3.12.2.1107.5.9.1"]],
    )


class ElementRule(Model):
    """One element's explicit rule; comes before everything else."""

    tag: str = Field(
        description='Keyword, `(gggg,eeee)` or private `(gggg,"CREATOR",ee)`',
        examples=["StationName", "(0008,0080)"],
    )
    action: Action = Field(description="What is done with the element")
    value: str | None = Field(None, description="New value of `replace`")

    @model_validator(mode="after")
    def _value(self) -> "ElementRule":
        if (self.action == "replace") != (self.value is not None):
            raise ValueError("value: `replace` needs a value, the other actions take none")
        return self


class Private(Model):
    """Private elements that are kept."""

    keep: list[str] = Field(
        default=[],
        description="Names of shipped sets (ps3.15-safe, siemens-csa-for-nifti, ge-for-nifti, philips-for-nifti, "
        "uih-for-nifti, nifti-without-creator: for files that lost their private creators) "
        'or single elements `(gggg,"CREATOR",ee)`',
    )


class Vocabulary(Model):
    """What cleaned text keeps beside the built-in words; own identifiers of the patient go all the same."""

    words: list[Annotated[str, Field(min_length=2, max_length=64)]] = Field(
        default=[],
        description="Words, in any case: names of protocols, sequences, phantoms",
        examples=[["leopard", "weisskoff"]],
    )
    patterns: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default=[],
        description="Regular expressions of whole words; one that fits any word is refused",
        examples=[[r"ACRIN\d{4}", r"sub-\d{3}"]],
    )

    @model_validator(mode="after")
    def _sensible(self) -> "Vocabulary":
        for pattern in self.patterns:
            try:
                fits = re.compile(pattern).fullmatch
            except re.error as error:
                raise ValueError(f"patterns: {pattern!r} is not a regular expression: {error}") from None
            if any(
                fits(word) for word in ("", "x", "quistgaard", "Quistgaard", "QUISTGAARD", "Quistgaard^Ann", "20150512")
            ):
                raise ValueError(
                    f"patterns: {pattern!r} fits any word or number: write the letters that are always there"
                )
        return self


class MaskRule(Model):
    """What is known of the images of a device: where it writes, or that it writes nothing personal."""

    manufacturer: str | None = Field(None, description="Manufacturer, in any case")
    model: str | None = Field(None, description="Manufacturer's Model Name, in any case")
    modality: str | None = Field(None, description="Modality")
    rows: int | None = Field(None, ge=1, le=65535, description="Rows of the picture")
    columns: int | None = Field(None, ge=1, le=65535, description="Columns of the picture")
    image_type: str | None = Field(None, description="Contained in Image Type", examples=["LOCALIZER"])
    series: str | None = Field(None, description="Contained in Series Description", examples=["dose report"])
    decision: Literal["mask", "pass", "refuse"] = Field(
        "mask",
        description="mask: the boxes are painted; pass: such images leave as they are; refuse: they do not leave",
    )
    boxes: list[Annotated[list[Annotated[int, Field(ge=0, le=65535)]], Field(min_length=4, max_length=4)]] = Field(
        default=[],
        description="Rectangles as [top, left, bottom, right]: rows and columns from 0, bottom and right not included",
        examples=[[[0, 0, 60, 640]]],
    )
    exactly: bool = Field(
        default=False,
        description="true: Image Type is compared as a whole, and what the rule does not name is empty in the image "
        "(Series Description aside); `pacsflow review` writes it",
    )
    by: str | None = Field(None, description="Who decided; `pacsflow review` writes it")
    decided: str | None = Field(None, description="When; `pacsflow review` writes it")

    @model_validator(mode="after")
    def _whole(self) -> "MaskRule":
        if (self.decision == "mask") != bool(self.boxes):
            raise ValueError("boxes: `mask` needs boxes, the other decisions take none")
        if any(top >= bottom or left >= right for top, left, bottom, right in self.boxes):
            raise ValueError("boxes: written as [top, left, bottom, right], where bottom and right are larger")
        said = (self.manufacturer, self.model, self.modality, self.image_type, self.series)
        if not self.exactly and not any(said) and not (self.rows and self.columns):
            raise ValueError("manufacturer: a rule for all images is not taken; say the device, or rows and columns")
        return self


class Faces(Model):
    """Whose faces are removed from images of heads, so that nobody is recognised by them."""

    remove: list[Literal["MR", "CT", "PT"]] = Field(
        default=[],
        description="Modalities of which faces are removed; PT follows a CT or MR of the same frame of reference",
        examples=[["MR", "CT"]],
    )
    keep_brain: bool = Field(
        default=True,
        description="true: a series of which more than 3 % of the brain would be lost is held; false: it is delivered",
    )
    no_face: list[dict[str, Any]] = Field(
        default=[],
        description="Images that show no face, as somebody has looked: written as entries of `drop`",
        examples=[[{"SeriesDescription": "spine"}, {"BodyPartExamined": "KNEE"}]],
    )


class Pixels(Model):
    """What happens to images that may show text, or a face."""

    burned_in: Literal["drop-risky", "mask", "keep"] = Field(
        "drop-risky",
        description="Images at risk of burned-in text. drop-risky: refused; mask: read, and what is personal is "
        "painted over; keep: as they are",
    )
    faces: Faces = Field(default_factory=Faces, description="Faces in images of heads")
    masks: list[MaskRule] = Field(
        default=[],
        description="Rules for devices, the first that fits; with `burned_in: mask`, before anything is read",
    )

    @model_validator(mode="after")
    def _used(self) -> "Pixels":
        if self.masks and self.burned_in != "mask":
            raise ValueError("masks: go with `burned_in: mask`")
        return self


class DeidProfile(Model):
    """deid.yaml."""

    base: Literal["ps3.15-basic", "none"] = Field(
        "ps3.15-basic",
        description="ps3.15-basic: Basic Application Level Confidentiality Profile; none: IDENTIFIABLE, as received",
    )
    options: list[Option] = Field(default=[], description="Options of PS3.15 Annex E")
    patient: Patient = Field(default_factory=Patient, description="Pseudonyms")
    dates: Dates = Field(default_factory=Dates, description="Dates")
    uids: Uids = Field(default_factory=Uids, description="UIDs")
    study_ids: Literal["empty", "keyed"] = Field(
        "empty",
        description="StudyID and AccessionNumber. keyed: a value of 16 letters and digits for each study, as some "
        "archives join studies of one patient and day that have none",
    )
    key: Secret | None = Field(None, description="The project's key, 32 bytes; needed unless base is none")
    elements: list[ElementRule] = Field(default=[], description="Explicit rules")
    vrs: dict[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], Literal["keep", "remove", "empty"]] = Field(
        default={},
        description="Rules per value representation, after `elements`",
        examples=[{"PN": "remove"}],
    )
    unlisted: Literal["clean", "keep", "remove"] = Field(
        "clean",
        description="Attributes that Table E.1-1 does not list; clean: numbers stay, coded strings that the standard "
        "has, UIDs that it registers, and text of reviewed attributes, cleaned; remove: no text at all; keep: as they "
        "are, IDENTIFYING where somebody wrote a name there",
    )
    vocabulary: Vocabulary = Field(default_factory=Vocabulary, description="Words of your own that cleaned text keeps")
    private: Private = Field(default_factory=Private, description="Private elements")
    drop: list[dict[str, Any]] = Field(
        default=[],
        description="Instances that are not to leave: DICOM keyword -> text contained anywhere, in any case, or a list",
        examples=[[{"ImageType": "SCREEN SAVE"}, {"Modality": ["SR", "KO"]}]],
    )
    pixels: Pixels = Field(default_factory=Pixels, description="Burned-in text, and faces")
    recipe: str | None = Field(
        None,
        description="A recipe in the language of the `deid` package, applied on top: after `elements`, before `vrs`",
        examples=["site.deid"],
    )
    functions: str | None = Field(
        None,
        description="A Python file with the functions that `func:NAME` of the recipe means; it is run, see deid.md",
        examples=["site_functions.py"],
    )
    verify: Literal["strict", "off"] = Field("strict", description="strict: what fails verification is refused")

    @model_validator(mode="after")
    def _key(self) -> "DeidProfile":
        if self.base != "none" and self.key is None:
            raise ValueError("key: a profile that de-identifies needs a key, as ${keyring:pacsflow/NAME}")
        if self.functions is not None and self.recipe is None:
            raise ValueError("functions: go with a `recipe` that names them")
        if self.dates.source == "api" and self.patient.source != "api":
            raise ValueError("dates.source: `api` needs `patient: {source: api}`")
        if self.pixels.faces.no_face and not self.pixels.faces.remove:
            raise ValueError("pixels.faces.no_face: says nothing without `remove`, as [MR, CT]")
        if self.base == "none" and self.pixels.faces.remove:
            raise ValueError("base: `none` passes instances on as received; take `pixels.faces` out")
        if self.base == "none" and (self.options or self.elements or self.vrs or self.drop or self.recipe):
            raise ValueError("base: `none` passes instances on as received; take the rules out")
        return self
