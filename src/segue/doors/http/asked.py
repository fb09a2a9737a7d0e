"""What may be asked for: the parameters of requests, their bounds and what they mean."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from segue.flows.online import Listened
from segue.flows.wishes import Wishes
from segue.music.moods import BOUNDED

__all__ = ["AdHoc", "AskedFor", "AskedForUser", "ForSong", "Search", "UserPage"]

_PLAIN: Final = r"^[^\x00-\x1f\x7f]+$"
_SPAN: Final = r"^(\d{1,5}(\.\d{1,3})?)?-(\d{1,5}(\.\d{1,3})?)?$"
_SHARES: Final = r"^([01](\.\d{1,6})?)?-([01](\.\d{1,6})?)?$"
_YEARS: Final = r"^(\d{1,4})?-(\d{1,4})?$"
_MANY: Final = 500

Text = Annotated[str, Field(min_length=1, max_length=1_000, pattern=_PLAIN)]
UserId = Annotated[str, Field(min_length=1, max_length=200, pattern=_PLAIN)]
Mix = Literal["discover", "rediscover", "daily"]
Mood = Literal["happy", "calm", "sad", "angry", "energetic", "party", "focus", "sleep"]
Shares = Annotated[
    str | None,
    Field(
        pattern=_SHARES,
        description="Lowest and highest, each 0 … 1: 0.3-0.7, 0.3- or -0.7.",
        examples=["0.3-0.7"],
    ),
]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ForSong(_Asked):
    """Filters that every list of recommendations knows."""

    k: int = Field(30, ge=1, le=200, description="Tracks wanted.")
    adventurous: float = Field(0.3, ge=0, le=1, description="From the familiar (0) to the far (1).")
    genre: list[Text] = Field(
        [], max_length=50, description="At least one of these genres; repeatable."
    )
    years: str | None = Field(
        None,
        pattern=_YEARS,
        description="First and last year: 1990-1999, 1990- or -1979.",
        examples=["1990-1999"],
    )
    tempo: str | None = Field(
        None,
        pattern=_SPAN,
        description="Beats per minute: 90-120, 90- or -120.",
        examples=["90-120"],
    )
    minutes: str | None = Field(
        None,
        pattern=_SPAN,
        description="How long a track may be: 2-5, 2- or -5.",
        examples=["2-5"],
    )
    mood: Mood | None = Field(None, description="Bounds of sound by name.")
    acousticness: Shares = None
    danceability: Shares = None
    energy: Shares = None
    instrumentalness: Shares = None
    liveness: Shares = None
    speechiness: Shares = None
    valence: Shares = None
    explicit: bool | None = Field(
        None, description="false: no track that is known to be explicit; true: only such."
    )
    exclude: list[Text] = Field(
        [], max_length=_MANY, description="Ids of tracks that must not appear; repeatable."
    )
    exclude_artist: list[Text] = Field(
        [], max_length=_MANY, description="Artists who must not appear; repeatable."
    )
    per_artist: int = Field(2, ge=1, le=1_000, description="Most tracks of one artist.")

    def wishes(self, **more: Any) -> Wishes:
        """The same for the recommenders.

        Raises:
            ConfigError: Something of it cannot be.
        """
        return Wishes(
            **{
                "size": self.k,
                "adventurous": self.adventurous,
                "genres": tuple(self.genre),
                "years": _whole(_bounds(self.years)),
                "tempo": _bounds(self.tempo),
                "minutes": _bounds(self.minutes),
                "mood": self.mood,
                "sound": tuple(
                    (feature, *bounds)
                    for feature in BOUNDED
                    if (bounds := _bounds(getattr(self, feature))) is not None
                ),
                "explicit": self.explicit,
                "exclude_tracks": tuple(self.exclude),
                "exclude_artists": tuple(self.exclude_artist),
                "per_artist": self.per_artist,
                **more,
            }
        )


class AskedFor(ForSong):
    """What is asked for where a listener is meant."""

    mix: Mix = Field(
        "discover",
        description="discover: new to the listener. rediscover: once loved. daily: both. "
        "Where there are seeds it does not matter.",
    )
    seed: list[Text] = Field(
        [],
        max_length=50,
        description="Tracks to be like: ids, Spotify URIs or “Artist - Title”; repeatable.",
    )
    recent_hours: float = Field(
        8, ge=0, le=87_600, description="A track played within this many hours is left out."
    )

    def wishes(self, **more: Any) -> Wishes:
        """The same for the recommenders.

        Raises:
            ConfigError: Something of it cannot be.
        """
        return super().wishes(
            mix="similar" if self.seed else self.mix,
            seeds=tuple(self.seed),
            recent_hours=self.recent_hours,
            **more,
        )


class AskedForUser(AskedFor):
    """What is asked for a user."""

    user_id: UserId = Field(description="Whose recommendations; nobody needs to be known before.")


def _moment(told: object) -> object:
    """A moment out of its text; numbers are no moments here."""
    if not isinstance(told, str):
        return told
    try:
        return datetime.fromisoformat(told.upper())
    except ValueError as error:
        raise ValueError("a date and time with its offset is wanted") from error


class ListenedTo(_Asked):
    """A track that somebody played or likes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    track_id: Text = Field(description="Segue's id of the track, or a reference: a Spotify URI.")
    plays: int = Field(1, ge=0, le=1_000, description="How often it was played.")
    liked: bool = Field(False, description="Whether they said that they like it.")
    last_played_at: Annotated[AwareDatetime, BeforeValidator(_moment)] | None = Field(
        None, description="When last; left out: lately."
    )


class AdHoc(AskedFor):
    """A listener in a few words, and what is asked for them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    tracks: list[ListenedTo] = Field(
        [], max_length=1_000, description="What they played or like; empty: a stranger."
    )

    @property
    def listened(self) -> tuple[Listened, ...]:
        """The same for the service."""
        return tuple(
            Listened(one.track_id, one.plays, one.liked, one.last_played_at) for one in self.tracks
        )


class Search(_Asked):
    """A search for tracks."""

    q: Annotated[str, Field(min_length=1, max_length=200, pattern=_PLAIN)] = Field(
        description="Title and artist as somebody types them; small mistakes do not matter.",
        examples=["nina simone sinerman"],
    )
    limit: int = Field(20, ge=1, le=100, description="Tracks wanted.")


class UserPage(_Asked):
    """A page of users."""

    after: str = Field(
        "",
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="The last user of the page before.",
    )
    limit: int = Field(100, ge=1, le=1_000, description="Users wanted.")


def _bounds(span: str | None) -> tuple[float | None, float | None] | None:
    """Both ends of a span; which of them is said first does not matter."""
    if span is None:
        return None
    first, _, last = span.partition("-")
    if first and last:
        return min(float(first), float(last)), max(float(first), float(last))
    return float(first) if first else None, float(last) if last else None


def _whole(
    bounds: tuple[float | None, float | None] | None,
) -> tuple[int | None, int | None] | None:
    if bounds is None:
        return None
    low, high = bounds
    return None if low is None else int(low), None if high is None else int(high)
