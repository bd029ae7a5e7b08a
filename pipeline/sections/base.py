"""What all sections share."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

T = TypeVar("T")
Seed = Annotated[int, Field(ge=0, lt=2**32, description="Seed of every random draw of this stage")]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
AutoOr = Annotated[  # told apart by type, so that a wrong list is not reported as a wrong word
    Annotated[Literal["auto"], Tag("word")] | Annotated[T, Tag("value")],
    Discriminator(lambda given: "word" if isinstance(given, str) else "value"),
]
NumberOrMap = Annotated[
    Annotated[float, Tag("number")] | Annotated[dict[str, float], Tag("map")],
    Discriminator(lambda given: "map" if isinstance(given, dict) else "number"),
]


class Section(BaseModel):
    """What all sections share: frozen, finite, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def setting(default: Any, description: str, **bounds: Any) -> Any:
    """A field with its default, what it means (and its unit), and its bounds."""
    return Field(default=default, description=description, **bounds)
