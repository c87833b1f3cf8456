"""deid.yaml: the anonymization profile (PS3.15 Annex E)."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from schemas._base import Model, Secret

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

    source: Literal["keyed", "sequential", "table", "api", "column"] = Field(
        "keyed", description="keyed: computed from the patient id and the project's key, the same for ever"
    )
    prefix: str = Field(
        "",
        max_length=32,
        pattern=r"^[A-Za-z0-9_.-]*$",
        description="Put before keyed and sequential pseudonyms",
    )
    file: str | None = Field(None, description="Pseudonym table of `source: table`")
    url: Annotated[str, Field(pattern=r"^https://[^\s@?#]+$")] | None = Field(
        None,
        description="Address of the de-identification service of `source: api`",
        examples=["https://deid.example.org/api"],
    )
    token: Secret | None = Field(None, description="Token of the de-identification service")
    column: str | None = Field(None, description="Column of the query table of `source: column`")

    @model_validator(mode="after")
    def _complete(self) -> "Patient":
        for name, source in (("file", "table"), ("column", "column"), ("url", "api"), ("token", "api")):
            if (getattr(self, name) is not None) != (self.source == source):
                raise ValueError(f"{name}: goes with `source: {source}`, and only there")
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
    days: tuple[int, int] = Field((-365, -1), description="Range of the shift, in days, both ends included")

    @model_validator(mode="after")
    def _range(self) -> "Dates":
        if self.days[0] > self.days[1]:
            raise ValueError("days: the first number must not be above the second")
        if (self.file is not None) != (self.source == "table"):
            raise ValueError("file: goes with `source: table`, and only there")
        return self


class Uids(Model):
    """New UIDs."""

    root: Annotated[str, Field(pattern=r"^[0-2](\.(0|[1-9]\d*))+$", max_length=24)] = Field(
        "2.25", description="Root of new UIDs: 2.25 (PS3.5 B.2) or your organisation's"
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
        "nifti-without-creator: for files that lost their private creators) "
        'or single elements `(gggg,"CREATOR",ee)`',
    )


class Pixels(Model):
    """What happens to images that may show text."""

    burned_in: Literal["drop-risky", "mask", "keep"] = Field(
        "drop-risky", description="Images at risk of burned-in text"
    )


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
    key: Secret | None = Field(None, description="The project's key, 32 bytes; needed unless base is none")
    elements: list[ElementRule] = Field(default=[], description="Explicit rules")
    vrs: dict[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], Literal["keep", "remove", "empty"]] = Field(
        default={},
        description="Rules per value representation, after `elements`",
        examples=[{"PN": "remove"}],
    )
    private: Private = Field(default_factory=Private, description="Private elements")
    drop: list[dict[str, Any]] = Field(
        default=[],
        description="Instances that are not to leave: DICOM keyword -> text contained anywhere, in any case, or a list",
        examples=[[{"ImageType": "SCREEN SAVE"}, {"Modality": ["SR", "KO"]}]],
    )
    pixels: Pixels = Field(default_factory=Pixels, description="Burned-in text")
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
        if self.base == "none" and (self.options or self.elements or self.vrs or self.drop or self.recipe):
            raise ValueError("base: `none` passes instances on as received; take the rules out")
        return self
