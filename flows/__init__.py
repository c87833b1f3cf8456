"""The flows: each reads as a list of named steps. Where Prefect's API is away for minutes, they wait for it."""

from tasks.patience import be_patient

be_patient()
