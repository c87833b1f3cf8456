"""What all models share: strict, frozen, described."""

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


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


@dataclass(frozen=True)
class OneOf:
    """Metadata of a text that must be one of `names`: as `Literal`, for names that stand in a table."""

    names: tuple[str, ...]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(self.names))


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


class Mistake(NamedTuple):
    """What cannot be meant: the field below the target, what is wrong, what to write instead."""

    at: tuple[str, ...]
    message: str
    fix: str
