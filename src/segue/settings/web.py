"""Settings of the web page."""

from __future__ import annotations

from pydantic import Field

from segue.settings.part import Part

__all__ = ["Web"]


class Web(Part):
    """The web page of `segue serve`."""

    enabled: bool = Field(True, description="Whether `segue serve` has a page for people.")
    https: bool = Field(
        False,
        description="Whether people reach it over https, through a proxy: cookies are then sent "
        "there alone.",
    )
    session_days: int = Field(
        30, ge=1, le=365, description="Days after which somebody has to sign in again."
    )
    upload_bytes: int = Field(
        4 * 1024**3, ge=1024, description="Most bytes of one upload, all of its files together."
    )
