"""Reports: the user's own table back, a page to show, a record without names, the plan to decide on.

All is written from plain facts (`records`); nothing here reads the ledger or prints.
"""

from pacsflow.report.decisions import read_choice, read_decisions
from pacsflow.report.page import write_page
from pacsflow.report.pictures import middle_slice
from pacsflow.report.plan import write_plan
from pacsflow.report.record import write_record
from pacsflow.report.records import (
    DeliveryResult,
    HeldStudy,
    PlanRow,
    PlanSeries,
    PlanStudy,
    PlanSummary,
    RowResult,
    RunSummary,
    SeriesResult,
    Slowdown,
    StudyResult,
    TrafficHour,
)
from pacsflow.report.table import write_table

__all__ = [
    "DeliveryResult",
    "HeldStudy",
    "PlanRow",
    "PlanSeries",
    "PlanStudy",
    "PlanSummary",
    "RowResult",
    "RunSummary",
    "SeriesResult",
    "Slowdown",
    "StudyResult",
    "TrafficHour",
    "middle_slice",
    "read_choice",
    "read_decisions",
    "write_page",
    "write_plan",
    "write_record",
    "write_table",
]
