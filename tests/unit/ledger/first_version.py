"""A ledger as the first version wrote it: its tables, and rows of one study in each of them."""

import hmac
import json

import sqlalchemy as sa

from pacsflow.ledger.studies import digest_of
from pacsflow.refs import digest

KEY = b"k" * 32
STUDY, SERIES, INSTANCE = (
    digest(KEY, kind, "|".join(("1.2", "1.2.1", "1.2.1.1")[:depth]))
    for depth, kind in enumerate(("study", "series", "instance"), 1)
)
SLOWINGS_ID = {"sqlite": "INTEGER", "postgresql": "SERIAL"}
TABLES = """
CREATE TABLE choices (series_key VARCHAR(16) NOT NULL, wanted BOOLEAN NOT NULL, "by" VARCHAR(120) NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (series_key));
CREATE TABLE meta (name VARCHAR(40) NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name));
CREATE TABLE requests (hour INTEGER NOT NULL, node VARCHAR(80) NOT NULL, operation VARCHAR(20) NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (hour, node, operation));
CREATE TABLE rows (id VARCHAR(200) NOT NULL, number INTEGER NOT NULL, digest VARCHAR(64) NOT NULL, status VARCHAR(20) NOT NULL, reason TEXT NOT NULL, warnings JSON NOT NULL, listed BOOLEAN NOT NULL, PRIMARY KEY (id));
CREATE INDEX ix_rows_number ON rows (number);
CREATE TABLE runs (id VARCHAR(40) NOT NULL, action VARCHAR(20) NOT NULL, owner VARCHAR(120) NOT NULL, started FLOAT NOT NULL, ended FLOAT, status VARCHAR(20), facts JSON, PRIMARY KEY (id));
CREATE TABLE slowings (id {slowings_id} NOT NULL, at FLOAT NOT NULL, node VARCHAR(80) NOT NULL, why TEXT NOT NULL, lanes INTEGER NOT NULL, gap FLOAT NOT NULL, PRIMARY KEY (id));
CREATE TABLE studies ("key" VARCHAR(16) NOT NULL, uid VARCHAR(64) NOT NULL, patient_id VARCHAR(200) NOT NULL, attributes JSON NOT NULL, status VARCHAR(20) NOT NULL, reason TEXT NOT NULL, proof VARCHAR(20) NOT NULL, listed BOOLEAN NOT NULL, wanted VARCHAR(64) NOT NULL, content VARCHAR(64) NOT NULL, owner VARCHAR(120), until FLOAT, seconds FLOAT NOT NULL, node VARCHAR(200) DEFAULT '' NOT NULL, PRIMARY KEY ("key"), UNIQUE (uid));
CREATE TABLE traffic (hour INTEGER NOT NULL, operation VARCHAR(20) NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (hour, operation));
CREATE TABLE deliveries (study_key VARCHAR(16) NOT NULL, target VARCHAR(80) NOT NULL, status VARCHAR(10) NOT NULL, reason TEXT NOT NULL, digest VARCHAR(64) NOT NULL, files JSON NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (study_key, target), FOREIGN KEY(study_key) REFERENCES studies ("key") ON DELETE CASCADE);
CREATE TABLE hits (row_id VARCHAR(200) NOT NULL, study_key VARCHAR(16) NOT NULL, decision VARCHAR(10) NOT NULL, "by" VARCHAR(120) NOT NULL, at FLOAT NOT NULL, PRIMARY KEY (row_id, study_key), FOREIGN KEY(row_id) REFERENCES rows (id) ON DELETE CASCADE, FOREIGN KEY(study_key) REFERENCES studies ("key") ON DELETE CASCADE);
CREATE INDEX ix_hits_study_key ON hits (study_key);
CREATE TABLE instances ("key" VARCHAR(16) NOT NULL, study_key VARCHAR(16) NOT NULL, series_key VARCHAR(16) NOT NULL, uid VARCHAR(64) NOT NULL, sop_class VARCHAR(64) NOT NULL, status VARCHAR(10) NOT NULL, reason TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, sha256 VARCHAR(64) NOT NULL, PRIMARY KEY ("key"), FOREIGN KEY(study_key) REFERENCES studies ("key") ON DELETE CASCADE);
CREATE INDEX instances_by_study ON instances (study_key, status);
CREATE TABLE series ("key" VARCHAR(16) NOT NULL, study_key VARCHAR(16) NOT NULL, uid VARCHAR(64) NOT NULL, attributes JSON NOT NULL, expected INTEGER, reason TEXT NOT NULL, PRIMARY KEY ("key"), FOREIGN KEY(study_key) REFERENCES studies ("key") ON DELETE CASCADE);
CREATE INDEX ix_series_study_key ON series (study_key);
CREATE TABLE outputs (series_key VARCHAR(16) NOT NULL, study_key VARCHAR(16) NOT NULL, status VARCHAR(10) NOT NULL, reason TEXT NOT NULL, facts JSON NOT NULL, PRIMARY KEY (series_key), FOREIGN KEY(series_key) REFERENCES series ("key") ON DELETE CASCADE);
CREATE INDEX ix_outputs_study_key ON outputs (study_key);
CREATE TABLE wants (row_id VARCHAR(200) NOT NULL, series_key VARCHAR(16) NOT NULL, ruled BOOLEAN DEFAULT true NOT NULL, wanted BOOLEAN DEFAULT true NOT NULL, PRIMARY KEY (row_id, series_key), FOREIGN KEY(row_id) REFERENCES rows (id) ON DELETE CASCADE, FOREIGN KEY(series_key) REFERENCES series ("key") ON DELETE CASCADE);
CREATE INDEX ix_wants_series_key ON wants (series_key);
"""
DEAD = "elsewhere|1|1|aaaaaaaa"


def write_first_version(place, *, owner=None, expires=None):
    """A ledger of the first version at a file or address, with a row of each table: one study, fetched, delivered."""
    engine = sa.create_engine(place if isinstance(place, str) else f"sqlite:///{place}")
    with engine.begin() as connection:
        text = TABLES.format(slowings_id=SLOWINGS_ID[engine.dialect.name])
        for statement in filter(None, map(str.strip, text.split(";\n"))):
            connection.exec_driver_sql(statement)
        for table, record in rows(owner, expires).items():
            names = ", ".join(f'"{name}"' for name in record)
            values = ", ".join(f":{name}" for name in record)
            connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({values})"), record)
        for name, value in meta().items():
            connection.execute(sa.text("INSERT INTO meta VALUES (:name, :value)"), {"name": name, "value": value})
    engine.dispose()


def meta():
    check = hmac.new(KEY, b"pacsflow key check", "sha256").hexdigest()[:16]
    return {"version": "1", "project": "p", "key_check": check, "began": "1.0", "digest_key": ""}


def rows(owner, expires):
    """Table -> its row, in an order that satisfies the foreign keys."""
    wanted = digest_of([SERIES])
    study = {"key": STUDY, "uid": "1.2", "patient_id": "P1", "attributes": json.dumps({"StudyDate": "20200101"})}
    study |= {"status": "complete", "reason": "", "proof": "uid", "listed": True, "wanted": wanted, "content": "c"}
    instance = {"key": INSTANCE, "study_key": STUDY, "series_key": SERIES, "uid": "1.2.1.1", "sop_class": "1.2.840"}
    delivery = {"study_key": STUDY, "target": "folder", "status": "done", "reason": "", "digest": "d"}
    return {
        "rows": {"id": "a", "number": 1, "digest": "asked", "status": "found", "reason": "", "warnings": "[]", "listed": True},
        "runs": {"id": "r", "action": "run", "owner": DEAD, "started": 1.0, "ended": 2.0, "status": "ended", "facts": "{}"},
        "studies": {**study, "owner": owner, "until": expires, "seconds": 12.5, "node": ""},
        "hits": {"row_id": "a", "study_key": STUDY, "decision": "take", "by": "anna", "at": 3.0},
        "series": {"key": SERIES, "study_key": STUDY, "uid": "1.2.1", "attributes": "{}", "expected": 1, "reason": ""},
        "wants": {"row_id": "a", "series_key": SERIES, "ruled": False, "wanted": True},
        "choices": {"series_key": SERIES, "wanted": True, "by": "erika", "at": 4.0},
        "instances": {**instance, "status": "held", "reason": "", "path": "x.dcm", "size": 7, "sha256": "s"},
        "outputs": {"series_key": SERIES, "study_key": STUDY, "status": "done", "reason": "", "facts": "{}"},
        "deliveries": {**delivery, "files": "[]", "at": 5.0},
        "traffic": {"hour": 1, "operation": "find", "number": 2},
        "requests": {"hour": 2, "node": "n", "operation": "find", "number": 3},
        "slowings": {"id": 1, "at": 6.0, "node": "n", "why": "slow", "lanes": 1, "gap": 0.5},
    }  # fmt: skip
