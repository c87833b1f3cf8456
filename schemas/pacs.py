"""pacs.yaml: the PACS node, how it is asked, and how gently."""

from typing import Annotated, Literal

from pydantic import Field

from schemas._base import AETitle, Model, OneOf, Port, Seconds
from schemas.protocols import FINDING, METHODS, PROTOCOLS
from schemas.web import Auth, Tls, WebUrl

Protocol = Annotated[str, OneOf(tuple(PROTOCOLS))]


class Sender(Model):
    """Who may send us images of a C-MOVE."""

    aet: AETitle | None = Field(None, description="Its AE title; left out: the node's `called_aet`")
    host: str | None = Field(
        None,
        description="Its host name, address, or network (10.1.2.0/24); left out: the node's `host`",
        examples=["10.1.2.0/24"],
    )


class MoveTo(Model):
    """Where C-MOVE sends images: our own storage SCP, or another application entity."""

    aet: AETitle
    port: Port | None = Field(None, description="TCP port our storage SCP listens on; needed where it is ours")
    host: str = Field("0.0.0.0", description="Address our storage SCP listens on")  # noqa: S104
    senders: list[Sender] = Field(
        default=[],
        alias="from",
        description="Who may send us images; left out: the node's own `called_aet`, from its own address",
        examples=[[{"aet": "MAINPACS-MOVE", "host": "10.1.2.0/24"}]],
    )
    ours: bool = Field(
        default=True, description="false: another application entity receives, identifiable; we only ask"
    )
    check: str | None = Field(
        None,
        description="Node file of the other application entity, which is then asked what arrived; "
        "left out: its word is not asked for",
        examples=["research-archive.yaml"],
    )


class Fetch(Model):
    """How images are fetched."""

    method: Annotated[str, OneOf(("auto", *METHODS))] = Field(
        "auto",
        description="auto: as `protocol` says; of dimse what is known to work, C-GET where the node accepts it, "
        "else C-MOVE to `move_to`",
    )
    move_to: MoveTo | None = Field(None, description="Our storage SCP, needed for C-MOVE")
    proof: Literal["uid", "count"] = Field(
        "uid",
        description="What shows that a series is whole. uid: its images are listed first, and compared one by one; "
        "count: a series that the node counts is fetched first, and listed only where another number came than it "
        "counts, which is faster where lists are slow, as by DICOMweb",
    )


class Pause(Model):
    """A rest after every n series."""

    every_series: int = Field(ge=1, description="Number of series between rests", examples=[50])
    seconds: Seconds


class Limits(Model):
    """How much is asked of the node at once."""

    associations: int = Field(4, ge=1, le=64, description="Open associations, shared by all runs on this node")
    studies_per_minute: float | None = Field(
        None, gt=0, description="Studies fetched per minute, at most, by all runs on this node together"
    )
    pause: Pause | None = Field(None, description="A rest after every n series")
    results_per_query: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        "auto",
        description="Number of answers at which the node cuts its queries, which are then asked in pieces; "
        "auto: noticed by itself",
    )


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "(mon|tue|wed|thu|fri|sat|sun)"


class Window(Model):
    """Days and times in which the node may be asked."""

    days: Annotated[str, Field(pattern=rf"^{_DAY}(-{_DAY})?( ?, ?{_DAY}(-{_DAY})?)*$")] = Field(
        description="Days on which it begins, as `mon-fri` or `sat,sun`", examples=["mon-fri"]
    )
    begin: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = Field(
        "00:00", alias="from", description="Begin, HH:MM"
    )
    end: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")] = Field(
        "24:00", alias="to", description="End, HH:MM; earlier than `from`: the next day"
    )


class Hours(Model):
    """When the node may be asked."""

    timezone: str = Field(description="IANA time zone", examples=["Europe/Zurich"])
    allow: list[Window] = Field(min_length=1, description="Windows in which we may ask")
    holidays: list[Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["2026-12-24"])]] = Field(
        default=[], description="Dates (YYYY-MM-DD) that count as Sundays"
    )
    holiday_calendar: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")] | None = Field(
        None,
        description="Country, or country and subdivision (ISO 3166), whose public holidays count as Sundays",
        examples=["CH-ZH"],
    )
    finish_minutes: float = Field(
        30, ge=0, description="How long a study that is under way when the hours end may go on; then it is stopped"
    )


class Timeouts(Model):
    """Time limits, in seconds, and the smallest rate."""

    connect: Seconds = 10
    response: Seconds = 120
    idle: Seconds = 600
    progress: Seconds = Field(
        600,
        description="Seconds that a request may go on without a new instance or a new answer; duplicates and pending "
        "responses are none, an instance that is still on its way is one",
    )
    slowest: float = Field(
        200,
        ge=0,
        description="Bytes per second that a message has to come with at least, measured over `response` seconds; "
        "0: any rate",
    )


class Wait(Model):
    """Waiting time between attempts: doubled from `first` up to `max`, in seconds."""

    first: float = Field(5, ge=0, description="Seconds before the second attempt")
    max: float = Field(600, ge=0, description="Longest wait, in seconds")


class Retries(Model):
    """What is done about faults that may pass."""

    attempts: int = Field(5, ge=1, le=50, description="Attempts in all")
    wait: Wait = Field(default_factory=Wait, description="Waiting time between attempts")


class PacsNode(Model):
    """pacs.yaml."""

    name: str = Field(description="Name of the node in reports", examples=["main-pacs"])
    protocol: Protocol = Field("dimse", description="How the node is spoken to")
    find: Protocol | None = Field(
        None,
        description=f"Protocol of the queries, where it differs: {', '.join(FINDING)}",
        examples=["dimse"],
    )
    host: Annotated[str, Field(min_length=1)] = Field(
        "", validate_default=False, description="Host name or address; dimse needs it", examples=["pacs.example.org"]
    )
    port: Port = Field(0, validate_default=False, description="TCP port of the DICOM service; dimse needs it")
    called_aet: AETitle = Field(
        "", validate_default=False, description="Application entity title of the node (PS3.5 6.2); dimse needs it"
    )
    calling_aet: AETitle = "PACSFLOW"
    url: WebUrl | None = Field(None, description="Base address of the node's web service; web protocols need it")
    urls: dict[Protocol, WebUrl] = Field(
        default={},
        description="Base addresses by protocol, where the node has several web services",
        examples=[{"mint": "https://pacs.example.org/mint", "rad69": "https://pacs.example.org/rids"}],
    )
    auth: Auth | None = Field(
        None,
        description="Who we are to the web services: a tagged choice of basic, bearer, command, oidc, certificate, "
        "vitrea",
        examples=[{"kind": "basic", "username": "pacsflow", "password": "${keyring:pacsflow/main-pacs}"}],
    )
    ca: str | None = Field(
        None,
        description="PEM file of the authorities that sign the web services' certificates; left out: those this "
        "computer trusts",
        examples=["hospital-ca.pem"],
    )
    tls: Tls | None = Field(None, description="DICOM TLS")
    character_set: str = Field(
        "ISO_IR 192",
        description="Specific Character Set our queries are sent in (PS3.3 C.12.1.1.2)",
        examples=["ISO_IR 192", "ISO_IR 100"],
    )
    sop_classes: list[Annotated[str, Field(pattern=r"^[0-9.]{5,64}$")]] = Field(
        default=[], description="UIDs of private storage SOP classes to accept beside the standard ones"
    )
    fetch: Fetch = Field(default_factory=Fetch, description="How images are fetched")
    limits: Limits = Field(default_factory=Limits, description="How much is asked at once")
    hours: Hours | None = Field(None, description="When the node may be asked; left out: always")
    timeouts: Timeouts = Field(default_factory=Timeouts, description="Time limits")
    retries: Retries = Field(default_factory=Retries, description="What is done about passing faults")
    fallback: list[str] = Field(
        default=[],
        description="Node files, as seen from this one, of the nodes asked for what this node lacks",
        examples=[["archive-2.yaml"]],
    )

    @property
    def finds_by(self) -> Protocol:
        """Protocol of the queries."""
        return self.find or self.protocol

    @property
    def fetches_by(self) -> Protocol:
        """Protocol of the retrievals."""
        return METHODS.get(self.fetch.method, self.protocol)

    @property
    def fetches_listed(self) -> bool:
        """Whether its protocol of retrievals knows single images only, so that none comes but those we list first."""
        return PROTOCOLS[self.fetches_by].listed

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The protocols that the node is spoken to by, each once."""
        return tuple(dict.fromkeys((self.finds_by, self.fetches_by)))

    @property
    def place(self) -> str:
        """Where the node is: its AE title, host and port where DICOM is spoken, its web addresses where not."""
        if "dimse" in self.protocols:
            return f"{self.called_aet} at {self.host}:{self.port}"
        return " and ".join(dict.fromkeys(filter(None, map(self.address, self.protocols))))

    def address(self, protocol: Protocol) -> str:
        """Base address of a web protocol, without a slash at its end; empty where none is known."""
        return (self.urls.get(protocol) or self.url or "").rstrip("/")
