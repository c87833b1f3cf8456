"""faults.yaml: how the simulated PACS misbehaves."""

from typing import Annotated, Literal

from pydantic import Field

from schemas._base import Model, Seconds
from schemas.simpacs_web import WebFault

Every = Annotated[int, Field(ge=1, description="Every nth image of a series is concerned: n, 2n, ...; 1: all")]
Nth = Annotated[int, Field(ge=1, description="The image of the retrieval at which it happens, from 1")]


class _Passing(Model):
    times: int | None = Field(
        None,
        ge=1,
        description="How often the fault strikes the same study (or the same image, where it is about images); "
        "left out: every time",
    )


class DropImages(_Passing):
    """Images that are never sent."""

    kind: Literal["drop-images"]
    every: Every = 3
    counted: Literal["completed", "failed", "never"] = Field(
        "completed",
        description="How the sub-operation is counted: `completed` is the lie, `failed` the truth, `never` silence",
    )


class SuccessNoneSent(_Passing):
    """Success, zero sub-operations, no image."""

    kind: Literal["success-none-sent"]


class AllFailedButSuccess(_Passing):
    """Success, although the counter says that every sub-operation failed."""

    kind: Literal["all-failed-but-success"]


class ResultLimit(Model):
    """A C-FIND gives no more than so many answers."""

    kind: Literal["result-limit"]
    answers: int = Field(100, ge=1, description="Largest number of answers")
    status: Literal["success", "warning", "out-of-resources", "hollow", "nothing"] = Field(
        "success",
        description="Final status of a cut answer: 0000 (the lie), B001 or A700; hollow: 0000 after a pending response "
        "(FF01) without an answer; nothing: 0000 and no answer at all",
    )
    per: Literal["query", "patient", "year", "modality"] = Field(
        "query",
        description="What so many answers are given of: the whole query, or each patient, year or modality in it",
    )
    levels: list[Literal["PATIENT", "STUDY", "SERIES", "IMAGE"]] = Field(
        default=["PATIENT", "STUDY", "SERIES", "IMAGE"], min_length=1, description="Levels at which answers are cut"
    )
    then: int | None = Field(None, ge=1, description="Another number at each second query; left out: the same")


class FinalAnswer(Model):
    """The last answer to a C-FIND comes inside the final response."""

    kind: Literal["final-answer"]


class FoldedAnswers(Model):
    """All answers to a C-FIND are one as soon as it asks for a NumberOf...Related..."""

    kind: Literal["folded-answers"]


class SeriesBlind(Model):
    """At IMAGE level the series that is asked for is not looked at, and not returned."""

    kind: Literal["series-blind"]


class HigherCounts(Model):
    """NumberOfSeriesRelatedInstances is higher than what is listed and sent."""

    kind: Literal["higher-counts"]
    more: int = Field(5, ge=1, description="By how many")
    times: int | None = Field(None, ge=1, description="In how many answers about one series; left out: in all")


class NulTitles(Model):
    """AE titles in associations of a C-MOVE are padded with NUL and not with blanks."""

    kind: Literal["nul-titles"]


class IgnoredKeys(Model):
    """Keys whose value is not looked at: they match everything."""

    kind: Literal["ignored-keys"]
    keys: list[str] = Field(min_length=1, description="DICOM keywords", examples=[["StudyDate", "AccessionNumber"]])


class NoService(Model):
    """Services whose presentation contexts are rejected."""

    kind: Literal["no-service"]
    services: list[Literal["c-get", "c-move", "patient-root", "study-root"]] = Field(
        default=["c-get"], min_length=1, description="What is not offered"
    )


class RefusedLevels(Model):
    """C-FIND at these levels is refused."""

    kind: Literal["refused-levels"]
    levels: list[Literal["STUDY", "SERIES", "IMAGE"]] = Field(
        default=["IMAGE"], min_length=1, description="Levels that are not answered"
    )
    status: Literal["A900", "C000"] = Field("A900", description="DIMSE status (PS3.4 C.4.1.1.4)")


class NoCounts(Model):
    """NumberOf…Related… and ModalitiesInStudy are missing from all answers."""

    kind: Literal["no-counts"]


class Slow(Model):
    """Everything takes its time."""

    kind: Literal["slow"]
    answer: float = Field(0, ge=0, description="Seconds before each answer of a C-FIND")
    image: float = Field(0, ge=0, description="Seconds before each image")


class Stall(_Passing):
    """Half an image is sent, then nothing for a while."""

    kind: Literal["stall"]
    image: Nth = 2
    seconds: Seconds = 3600


class AbortRetrieval(_Passing):
    """The association ends in the middle of a retrieval."""

    kind: Literal["abort"]
    image: Nth = 2
    how: Literal["abort", "close"] = Field("abort", description="abort: A-ABORT; close: the connection is cut")


class RejectAssociations(Model):
    """Associations above a number are rejected: transient, local limit exceeded (PS3.8 9.3.4)."""

    kind: Literal["reject-associations"]
    above: int = Field(1, ge=1, description="Number of associations that are accepted at once")


class WrongPatient(_Passing):
    """Behind the study's own images comes one of another patient."""

    kind: Literal["wrong-patient"]


class DuplicateImages(_Passing):
    """Images that come twice."""

    kind: Literal["duplicate-images"]
    every: Every = 3


class TruncatedPixels(_Passing):
    """Images whose last half is missing."""

    kind: Literal["truncated-pixels"]
    every: Every = 3


class ShortPixels(_Passing):
    """Images that are whole to their last byte and hold fewer pixels than their header says."""

    kind: Literal["short-pixels"]
    every: Every = 3
    left: Literal["half", "none"] = Field(
        "half", description="What is left of uncompressed pixels; of compressed ones no fragment is left either way"
    )


class CorruptHeader(_Passing):
    """Images with twelve bytes of FF in their header, where tags and lengths were."""

    kind: Literal["corrupt-header"]
    every: Every = 3


class WrongSyntax(_Passing):
    """Images encoded in implicit VR, sent where explicit VR was agreed, and the other way round."""

    kind: Literal["wrong-transfer-syntax"]
    every: Every = 3


class Offline(_Passing):
    """Studies on tape: NEARLINE in answers, retrievals fail with A702 until they were asked for `times` times."""

    kind: Literal["offline"]
    every: int = Field(1, ge=1, description="Every nth study of the archive, in its order")
    availability: Literal["NEARLINE", "OFFLINE", "UNAVAILABLE"] = Field(
        "NEARLINE", description="Instance Availability of what is not at hand (PS3.3 C.4.23.1.1)"
    )


class Busy(_Passing):
    """Retrievals are refused: out of resources, or unable to process."""

    kind: Literal["busy"]
    status: Literal["A700", "A701", "A702", "C000"] = Field("A702", description="DIMSE status (PS3.4 C.4.2.1.5)")


class UnableByGet(Model):
    """C-GET fails for what comes by C-MOVE, as compressed images do at some nodes."""

    kind: Literal["unable-by-get"]
    images: Literal["compressed", "all"] = Field("compressed", description="Which images do not come by C-GET")
    status: Literal["A700", "A701", "A702", "B000", "C000"] = Field(
        "A702", description="DIMSE status where none of a retrieval comes (PS3.4 C.4.3.1.4)"
    )
    counted: bool = Field(
        default=True, description="Whether the final response counts them as failed; false: no counts"
    )


class ChangingAnswers(Model):
    """Every nth time the same query is asked, its last answer is missing."""

    kind: Literal["changing-answers"]
    every: int = Field(2, ge=1, description="Every nth asking of one query")


class Restart(_Passing):
    """The PACS goes down in the middle of a retrieval, with all its associations, and comes back."""

    kind: Literal["restart"]
    image: Nth = 2
    seconds: float = Field(1, ge=0, description="Seconds until it listens again")


class LateImage(_Passing):
    """The last image comes after the final response."""

    kind: Literal["late-image"]


class EndlessPending(_Passing):
    """Pending responses without end, from an image on."""

    kind: Literal["endless-pending"]
    image: Nth = 2
    seconds: Seconds = 0.1


class EndlessAnswers(Model):
    """Answers to a C-FIND without end."""

    kind: Literal["endless-answers"]
    new: bool = Field(
        default=True, description="Whether each has UIDs of its own; false: the same answer again and again"
    )
    seconds: float = Field(0, ge=0, description="Seconds before each answer")


class SameImage(_Passing):
    """One image again and again, without end."""

    kind: Literal["same-image"]
    image: Nth = 2
    renamed: bool = Field(
        default=False, description="Whether each is called by another SOP Instance UID: strangers without end"
    )
    seconds: float = Field(0, ge=0, description="Seconds before each image")


class Drip(_Passing):
    """Half an image is sent, then the rest byte by byte."""

    kind: Literal["drip"]
    image: Nth = 2
    seconds: Seconds = 2


class NoFinalResponse(_Passing):
    """All images come, the final response never does."""

    kind: Literal["no-final-response"]


class ServeTls(Model):
    """The PACS speaks DICOM TLS only (PS3.15 B.9)."""

    kind: Literal["tls"]
    certificate: str = Field(description="PEM file of the PACS's certificate")
    key: str = Field(description="PEM file of the PACS's key")
    ca: str | None = Field(None, description="PEM file of authorities: peers must show a certificate signed by one")


Fault = Annotated[
    DropImages
    | SuccessNoneSent
    | AllFailedButSuccess
    | ResultLimit
    | FinalAnswer
    | FoldedAnswers
    | SeriesBlind
    | HigherCounts
    | NulTitles
    | IgnoredKeys
    | NoService
    | RefusedLevels
    | NoCounts
    | Slow
    | Stall
    | AbortRetrieval
    | RejectAssociations
    | WrongPatient
    | DuplicateImages
    | TruncatedPixels
    | ShortPixels
    | CorruptHeader
    | WrongSyntax
    | Offline
    | Busy
    | UnableByGet
    | ChangingAnswers
    | Restart
    | LateImage
    | NoFinalResponse
    | EndlessPending
    | EndlessAnswers
    | SameImage
    | Drip
    | ServeTls
    | WebFault,
    Field(discriminator="kind"),
]


class Faults(Model):
    """faults.yaml."""

    faults: list[Fault] = Field(default=[], description="What goes wrong; all of them at once, in this order")
