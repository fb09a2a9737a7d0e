"""What every section of the settings is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Part"]


class Part(BaseModel):
    """A section: never changed once read, and nothing in it that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")
