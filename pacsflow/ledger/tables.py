"""The ledger's tables. Columns that identify a patient stand in `studies`, `series`, `instances` only."""

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text, true

VERSION = "1"
metadata = MetaData()


def _fk(column: str) -> ForeignKey:
    return ForeignKey(column, ondelete="CASCADE")


meta = Table("meta", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))

runs = Table(
    "runs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("action", String(20), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("status", String(20)),
    Column("facts", JSON),
)

rows = Table(
    "rows",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("number", Integer, nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("warnings", JSON, nullable=False, default=list),
    Column("listed", Boolean, nullable=False, default=True),
)
"""`status`: pending, found, held, unmatched, dropped, failed. `listed`: stands in the project now."""

studies = Table(
    "studies",
    metadata,
    Column("key", String(16), primary_key=True),
    Column("uid", String(64), nullable=False, unique=True),
    Column("patient_id", String(200), nullable=False, default=""),
    Column("attributes", JSON, nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("proof", String(20), nullable=False, default=""),
    Column("listed", Boolean, nullable=False, default=False),
    Column("wanted", String(64), nullable=False, default=""),
    Column("content", String(64), nullable=False, default=""),
    Column("owner", String(120)),
    Column("until", Float),
    Column("seconds", Float, nullable=False, default=0.0),
    Column("node", String(200), nullable=False, default="", server_default=""),
)
"""`status`: found, complete, incomplete, offline, failed. `proof`: what tells it (uid, count, retrieval).
`listed`: `series` holds all its series. `wanted`, `content`: digests of the series wanted and of the
instances held when it was last complete. `node`: name of the node it comes from, '' for the project's first."""

hits = Table(
    "hits",
    metadata,
    Column("row_id", String(200), _fk("rows.id"), primary_key=True),
    Column("study_key", String(16), _fk("studies.key"), primary_key=True, index=True),
    Column("decision", String(10), nullable=False),
    Column("by", String(120), nullable=False, default=""),
    Column("at", Float, nullable=False, default=0.0),
)
"""`decision`: take, held, drop; `by` and `at` where a person decided."""

series = Table(
    "series",
    metadata,
    Column("key", String(16), primary_key=True),
    Column("study_key", String(16), _fk("studies.key"), nullable=False, index=True),
    Column("uid", String(64), nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("expected", Integer),
    Column("reason", Text, nullable=False, default=""),
)
"""`expected`: number of instances the node told, null where it told none. `reason`: why nobody wants it."""

wants = Table(
    "wants",
    metadata,
    Column("row_id", String(200), _fk("rows.id"), primary_key=True),
    Column("series_key", String(16), _fk("series.key"), primary_key=True, index=True),
    Column("ruled", Boolean, nullable=False, default=True, server_default=true()),
    Column("wanted", Boolean, nullable=False, default=True, server_default=true()),
)
"""The series a row found. `ruled`: the project's rules want it; `wanted`: it is wanted, choices considered."""

choices = Table(
    "choices",
    metadata,
    Column("series_key", String(16), primary_key=True),
    Column("wanted", Boolean, nullable=False),
    Column("by", String(120), nullable=False),
    Column("at", Float, nullable=False),
)
"""Series that a person took or dropped by eye, who and when."""

instances = Table(
    "instances",
    metadata,
    Column("key", String(16), primary_key=True),
    Column("study_key", String(16), _fk("studies.key"), nullable=False),
    Column("series_key", String(16), nullable=False),
    Column("uid", String(64), nullable=False),
    Column("sop_class", String(64), nullable=False, default=""),
    Column("status", String(10), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("path", Text, nullable=False, default=""),
    Column("size", Integer, nullable=False, default=0),
    Column("sha256", String(64), nullable=False, default=""),
    Index("instances_by_study", "study_key", "status"),
)
"""`status`: expected, held, refused; sent: another application entity received it, `reason` says how that is known.
`path` is relative to the staging folder."""

outputs = Table(
    "outputs",
    metadata,
    Column("series_key", String(16), _fk("series.key"), primary_key=True),
    Column("study_key", String(16), nullable=False, index=True),
    Column("status", String(10), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("facts", JSON, nullable=False),
)
"""Conversions. `status`: done, refused, none."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("study_key", String(16), _fk("studies.key"), primary_key=True),
    Column("target", String(80), primary_key=True),
    Column("status", String(10), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("digest", String(64), nullable=False, default=""),
    Column("files", JSON, nullable=False),
    Column("at", Float, nullable=False),
)
"""`status`: done, failed. `digest`: of what was delivered; another digest means deliver again."""

traffic = Table(
    "traffic",
    metadata,
    Column("hour", Integer, primary_key=True),
    Column("operation", String(20), primary_key=True),
    Column("number", Integer, nullable=False),
)
"""What was asked before `requests` told nodes apart. Nothing is written to it; ledgers of that time are still read."""

requests = Table(
    "requests",
    metadata,
    Column("hour", Integer, primary_key=True),
    Column("node", String(80), primary_key=True),
    Column("operation", String(20), primary_key=True),
    Column("number", Integer, nullable=False),
)
"""What a node was asked: hours since the epoch, operation (echo, find, retrievals, images, bytes)."""

slowings = Table(
    "slowings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("node", String(80), nullable=False),
    Column("why", Text, nullable=False),
    Column("lanes", Integer, nullable=False),
    Column("gap", Float, nullable=False),
)
"""When we went slower by ourselves: lanes open at most from then on, and the gap before each request in seconds."""
