"""pacsflow's engine: the work itself, without Prefect."""

__version__ = "0.1.0"
