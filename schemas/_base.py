"""What all models share: strict, frozen, described."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """A frozen record that knows no key but its own."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        str_strip_whitespace=True,
        validate_default=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


AETitle = Annotated[
    str,
    Field(
        min_length=1,
        max_length=16,
        pattern=r"^[\x20-\x5b\x5d-\x7e]+$",
        description="Application entity title, 1 to 16 characters (PS3.5 6.2, VR AE)",
        examples=["MAINPACS"],
    ),
]
Port = Annotated[int, Field(ge=1, le=65535, description="TCP port", examples=[11112])]
Seconds = Annotated[float, Field(gt=0, description="Seconds")]
Secret = Annotated[
    str,
    Field(
        pattern=r"^\$\{(env|file|keyring|prefect):[^}]+\}$",
        description="Reference to a secret, never the secret itself: "
        "${env:NAME}, ${file:PATH}, ${keyring:SERVICE/NAME}, ${prefect:BLOCK}",
        examples=["${keyring:pacsflow/lung-ct}"],
    ),
]
