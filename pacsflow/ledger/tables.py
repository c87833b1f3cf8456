"""The ledger's tables. Columns that identify a patient stand in `studies`, `series`, `instances` only."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    true,
)

VERSION = "2"
"""What this program writes. A ledger of version 1 is brought to it when it is opened: columns are renamed (`RENAMED`),
columns and tables that it does not have, as `naming`, are added, empty."""
metadata = MetaData()
_NUL, _FOR_NUL = "\x00", "\U0010fffd"


class String(TypeDecorator[str]):
    """Text, the same on both engines: of any length, sorted by code point, and with any character.

    PostgreSQL would refuse what is longer than announced, sorts by the language of its installation, and takes no NUL:
    there a character for private use stands for it.
    """

    impl = Text
    cache_ok = True

    def __init__(self, length: int = 0) -> None:
        """`length`: what well-formed values keep to."""
        super().__init__()
        self.announced = length

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """The type of the column."""
        postgresql = dialect.name == "postgresql"
        return dialect.type_descriptor(Text(collation="C") if postgresql else Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is written."""
        return value.replace(_NUL, _FOR_NUL) if value and dialect.name == "postgresql" else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """What is read."""
        return value.replace(_FOR_NUL, _NUL) if value and dialect.name == "postgresql" else value


def _fk(column: str) -> ForeignKey:
    return ForeignKey(column, ondelete="CASCADE")


meta = Table("meta", metadata, Column("name", String(40), primary_key=True), Column("value", String(), nullable=False))

runs = Table(
    "runs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("action", String(20), nullable=False),
    Column("lease_owner", String(120), nullable=False),
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("status", String(20)),
    Column("facts", JSON),
    Column("rows", String(64), nullable=False, default="", server_default=""),
    Column("lease_expires", Float),
)
"""`rows`: digest of the rows that the run works on, in order. `lease_owner`: the process, see `studies.new_owner`;
after `lease_expires` (seconds since the epoch) a run on another machine that has not ended counts as dead."""

rows = Table(
    "rows",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("number", Integer, nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", String(), nullable=False, default=""),
    Column("warnings", JSON, nullable=False, default=list),
    Column("listed", Boolean, nullable=False, default=True),
    Column("lease_owner", String(120)),
)
"""`status`: pending, found, held, unmatched, dropped, excluded, failed. `listed`: stands in the project now.
`lease_owner`: the run that asks it, of those that share a project, for as long as it is at work."""

studies = Table(
    "studies",
    metadata,
    Column("key", String(16), primary_key=True),
    Column("uid", String(64), nullable=False, unique=True),
    Column("patient_id", String(200), nullable=False, default=""),
    Column("attributes", JSON, nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", String(), nullable=False, default=""),
    Column("proof", String(20), nullable=False, default=""),
    Column("listed", Boolean, nullable=False, default=False),
    Column("wanted", String(64), nullable=False, default=""),
    Column("content", String(64), nullable=False, default=""),
    Column("lease_owner", String(120)),
    Column("lease_expires", Float),
    Column("fetch_seconds", Float, nullable=False, default=0.0),
    Column("node", String(200), nullable=False, default="", server_default=""),
    Column("staged", String(16), nullable=False, default="", server_default=""),
)
"""`status`: found, complete, incomplete, offline, failed. `proof`: what shows it (uid, count, retrieval).
`listed`: `series` holds all its series. `wanted`, `content`: digests of the series wanted and of the
instances held when it was last complete. `node`: name of the node it comes from, '' for the project's first.
`lease_owner`, `lease_expires` (seconds since the epoch): the process that works on it, and until when.
`fetch_seconds`: duration of its last retrieval. `staged`: the work directory whose staging folder holds its images."""

hits = Table(
    "hits",
    metadata,
    Column("row_id", String(200), _fk("rows.id"), primary_key=True),
    Column("study_key", String(16), _fk("studies.key"), primary_key=True, index=True),
    Column("decision", String(10), nullable=False),
    Column("decided_by", String(120), nullable=False, default=""),
    Column("decided_at", Float, nullable=False, default=0.0),
)
"""`decision`: take, held, drop; `decided_by` and `decided_at` (seconds since the epoch) where a person decided."""

series = Table(
    "series",
    metadata,
    Column("key", String(16), primary_key=True),
    Column("study_key", String(16), _fk("studies.key"), nullable=False, index=True),
    Column("uid", String(64), nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("expected", BigInteger),
    Column("reason", String(), nullable=False, default=""),
)
"""`expected`: number of instances that the node counts, null where it gave no count. `reason`: why it is not wanted."""

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
    Column("decided_by", String(120), nullable=False),
    Column("decided_at", Float, nullable=False),
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
    Column("reason", String(), nullable=False, default=""),
    Column("path", String(), nullable=False, default=""),
    Column("size", BigInteger, nullable=False, default=0),
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
    Column("reason", String(), nullable=False, default=""),
    Column("facts", JSON, nullable=False),
)
"""Conversions. `status`: done, refused, none."""

naming = Table(
    "naming",
    metadata,
    Column("series_key", String(16), _fk("series.key"), primary_key=True),
    Column("study_key", String(16), nullable=False, index=True),
    Column("number", BigInteger, nullable=False),
    Column("answers", JSON, nullable=False),
)
"""What originals answered to the rules for names: digest of a condition -> whether it fits, nothing of a value.
`number`: Instance Number of the original, the lowest that came. Series that came before the table have no record:
the cleaned header is asked in its place, and the row says so."""

referrals = Table(
    "referrals",
    metadata,
    Column("series_key", String(16), _fk("series.key"), primary_key=True),
    Column("study_key", String(16), nullable=False, index=True),
    Column("image_study", String(16), nullable=False, index=True),
    Column("image_series", String(16), primary_key=True),
)
"""Masks (`series_key` of `study_key`) that lie on a series of another study (`image_series` of `image_study`)."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("study_key", String(16), _fk("studies.key"), primary_key=True),
    Column("target", String(80), primary_key=True),
    Column("status", String(10), nullable=False),
    Column("reason", String(), nullable=False, default=""),
    Column("digest", String(64), nullable=False, default=""),
    Column("files", JSON, nullable=False),
    Column("delivered_at", Float, nullable=False),
    Column("settings", JSON),
)
"""`status`: done, failed, unready. `digest`: of what was delivered; another digest means deliver again. `settings`:
those of the target it was delivered to, as export.yaml said them then; null in ledgers from before."""

signatures = Table(
    "signatures",
    metadata,
    Column("study_key", String(16), _fk("studies.key"), primary_key=True),
    Column("content", String(64), primary_key=True),
    Column("signed_by", String(120), primary_key=True),
    Column("released", Boolean, nullable=False),
    Column("note", String(), nullable=False, default=""),
    Column("signed_at", Float, nullable=False),
)
"""Sign-off: what a person decided of a study whose `content` (see `studies`) was this. `released`: it may go to the
targets; false: it is withheld. `note`: why."""

withdrawn = Table(
    "withdrawn",
    metadata,
    Column("kind", String(10), primary_key=True),
    Column("digest", String(16), primary_key=True),
    Column("withdrawn_by", String(120), nullable=False),
    Column("withdrawn_at", Float, nullable=False),
)
"""Patients and studies that a person withdrew, by keyed digest: nothing asks for them again. `kind`: patient, study."""

acts = Table(
    "acts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("acted_at", Float, nullable=False),
    Column("acted_by", String(120), nullable=False),
    Column("action", String(20), nullable=False),
    Column("about", String(), nullable=False, default=""),
    Column("chain", String(16), nullable=False),
)
"""The audit trail: what persons decided and took out. `about` names rows by number and studies by key. `chain`: keyed
digest of the act and of the one before it."""

marks = Table(
    "marks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("token", String(16), nullable=False),
)
"""The last changes that were to stay whatever becomes of the power, see `anchor`."""

traffic = Table(
    "traffic",
    metadata,
    Column("hour", Integer, primary_key=True),
    Column("operation", String(20), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""Requests counted before the table `requests` had a column for the node. No longer written, still read."""

requests = Table(
    "requests",
    metadata,
    Column("hour", Integer, primary_key=True),
    Column("node", String(80), primary_key=True),
    Column("operation", String(20), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""What a node was asked: hours since the epoch, operation (echo, find, retrievals, images, bytes)."""

slowings = Table(
    "slowings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("slowed_at", Float, nullable=False),
    Column("node", String(80), nullable=False),
    Column("why", String(), nullable=False),
    Column("lanes", Integer, nullable=False),
    Column("gap", Float, nullable=False),
)
"""When pacsflow slowed down by itself: lanes open at most from then on, and the gap before each request in seconds."""

RENAMED: dict[str, dict[str, str]] = {
    "runs": {"owner": "lease_owner", "until": "lease_expires"},
    "studies": {"owner": "lease_owner", "until": "lease_expires", "seconds": "fetch_seconds"},
    "hits": {"by": "decided_by", "at": "decided_at"},
    "choices": {"by": "decided_by", "at": "decided_at"},
    "deliveries": {"at": "delivered_at"},
    "slowings": {"at": "slowed_at"},
}
"""Table -> its columns' names in version 1 -> their names now."""
