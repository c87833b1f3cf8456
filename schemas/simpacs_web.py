"""faults.yaml: how the simulated PACS misbehaves as a web service (DICOMweb, PS3.18)."""

from typing import Literal

from pydantic import Field

from schemas._base import Model, Seconds


class WebPages(Model):
    """Queries are answered in small pages, which a service may end, order or limit in ways of its own."""

    kind: Literal["web-pages"]
    answers: int = Field(12, ge=1, description="Most answers of a page, whatever `limit` asks for")
    partial: bool = Field(default=False, description="Whether HTTP 206 says that there are more")
    changing: bool = Field(default=False, description="Whether the order of answers is another at each request")
    largest: int | None = Field(None, ge=1, description="A greater `limit` is answered with 400; left out: none is")


class WebRefusal(Model):
    """Retrievals, or queries for instances, that are refused at some levels."""

    kind: Literal["web-refusal"]
    of: list[Literal["study", "series", "instance", "instances", "metadata"]] = Field(
        default=["study"], min_length=1, description="What is refused; `instances`: queries for them"
    )
    status: Literal[404, 406, 413, 501] = Field(404, description="HTTP status")


class WebAsStored(Model):
    """`transfer-syntax=*` is answered with 406: images come as the service likes."""

    kind: Literal["web-as-stored"]


class WebThrottle(Model):
    """Requests are answered with 429 and a Retry-After."""

    kind: Literal["web-throttle"]
    every: int = Field(2, ge=2, description="Every nth request")
    seconds: int = Field(1, ge=0, description="What Retry-After says")


class WebHangUp(Model):
    """A connection that was kept open is closed by the service when it is used again."""

    kind: Literal["web-hang-up"]
    after: int = Field(2, ge=1, description="Requests that a connection answers")


class WebLogIn(Model):
    """A page to log in (HTTP 200, HTML) in place of an answer."""

    kind: Literal["web-log-in"]
    of: list[Literal["query", "retrieval"]] = Field(default=["retrieval"], min_length=1, description="Instead of what")


class WebDrip(Model):
    """Retrievals are answered byte by byte."""

    kind: Literal["web-drip"]
    seconds: Seconds = 2


class WebEndless(Model):
    """Answers without end."""

    kind: Literal["web-endless"]
    of: Literal["pages", "body"] = Field(
        "pages", description="pages: each page of a query has new answers; body: a retrieval repeats its image"
    )


class WebBoundary(Model):
    """Pictures hold the line that ends a multipart answer."""

    kind: Literal["web-boundary"]
    announced: bool = Field(default=True, description="Whether the Content-Length of each part is said")


WebFault = WebPages | WebRefusal | WebAsStored | WebThrottle | WebHangUp | WebLogIn | WebDrip | WebEndless | WebBoundary
