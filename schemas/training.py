"""Datasets to train on: which layouts are such, and the channels of their cases."""

from pydantic import Field

from schemas._base import Model

TRAINING = frozenset({"nnunet", "monai"})
"""Layouts that are datasets to train on, not templates."""


class CaseChannel(Model):
    """One channel of a case: which image of a study it is."""

    name: str = Field(
        min_length=1, description="Name of the channel, as CT (nnU-Net normalizes by it)", examples=["T2"]
    )
    modality: str = Field("*", description="Modality, * and ? allowed", examples=["MR"])
    series_description: str = Field(
        "*", description="Series Description as it is after cleaning; * and ?, or /expression/i", examples=["*t2*tra*"]
    )
