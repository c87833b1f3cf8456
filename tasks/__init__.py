"""The tasks: one call of the application layer each, with its policy.

Here is the one door by which `${prefect:NAME}` references are read: importing the tasks is enough to read them.
"""

from pacsflow.secrets import register_resolver
from tasks.blocks import secret_block

register_resolver("prefect", secret_block)
