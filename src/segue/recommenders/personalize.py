"""Amazon Personalize as a recommender: its campaigns are asked, Segue's own models stand in."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, Self, TypedDict

import numpy as np

from segue.aws.breaker import Breaker
from segue.aws.clients import Aws
from segue.aws.personalize_live import MOST_ITEMS, PersonalizeRuntime
from segue.errors import SegueError, ServiceDownError
from segue.features.catalogue import Catalogue
from segue.features.listening import listening
from segue.features.training_data import TrainingData
from segue.music.candidates import Candidates, Evidence
from segue.music.query import Query
from segue.recommenders.arrays import load_settings, save_settings
from segue.recommenders.base import Recommender
from segue.recommenders.ranking import candidates, fitted, searchable

__all__ = ["Personalize"]

_log = logging.getLogger(__name__)

Items = tuple[tuple[str, float], ...]

_SERVICE: Final = "Amazon Personalize"
_FAILURES: Final = 3
_SEEDS: Final = 5  # each is a request
_LOOKED_AT: Final = 25  # items by which an answer for strangers is known
_SAME: Final = 0.9  # share of them
_STRANGER_SECONDS: Final = 3_600.0
_VALUE: Final = 1_000  # characters of a filter's value
_STAND_INS: Final = ("hybrid", "als", "ease", "session_knn", "content", "popular")


class _Asked(TypedDict, total=False):
    filter_arn: str
    filter_values: Mapping[str, str]


class Personalize:
    """Asks a campaign whenever it is asked; it learns nothing here and holds no state.

    Where the campaign fails, is throttled, takes too long, or does not know the user, the answer is
    that of Segue's own models. A user whom Personalize does not know gets what is popular: such an
    answer is known by being that which a made-up user gets. Nothing goes to the network unless a
    campaign is named.

    Args:
        campaign: ARN of the campaign of user-personalization; empty: it is silent.
        similar_campaign: ARN of that of similar-items; empty: Segue's own models say what is alike.
        unheard_filter: ARN of the filter that leaves out what the user played; for “discover”.
        genres_filter: ARN of the filter on $GENRES; for questions that name genres.
        region: Empty: AWS_REGION or the AWS files.
        endpoint_url: Of something that is not Amazon's.
        timeout_seconds: Without an answer for so long, Segue's own models answer.
        rest_seconds: After three failures in a row the campaign is left alone for so long.
        leads: Whether playlists ask it before all others for what is new or similar.
    """

    name: ClassVar[str] = "personalize"

    def __init__(
        self,
        *,
        campaign: str = "",
        similar_campaign: str = "",
        unheard_filter: str = "",
        genres_filter: str = "",
        region: str = "",
        endpoint_url: str = "",
        timeout_seconds: float = 0.5,
        rest_seconds: float = 30.0,
        leads: bool = True,
    ) -> None:
        self.campaign = campaign
        self.similar_campaign = similar_campaign
        self.unheard_filter = unheard_filter
        self.genres_filter = genres_filter
        self.region = region
        self.endpoint_url = endpoint_url
        self.timeout_seconds = timeout_seconds
        self.rest_seconds = rest_seconds
        self.leads = leads
        self.catalogue_: Catalogue | None = None
        self.parts_: Mapping[str, Recommender] = {}
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._breaker = Breaker(_FAILURES, rest_seconds, clock=time.monotonic)
        self._strangers: dict[str, tuple[float, Items]] = {}

    def fit(self, data: TrainingData) -> Self:
        """Keep the tracks, to know which answers are any; nothing is learned here."""
        self.catalogue_ = data.catalogue
        return self

    @property
    def configured(self) -> bool:
        """Whether there is a campaign to ask."""
        return bool(self.campaign or self.similar_campaign)

    def silent_because(self) -> str | None:
        """Whether there is nobody to ask."""
        return None if self.configured else "no campaign is named (models.personalize.campaign)"

    def with_parts(self, parts: Mapping[str, Recommender]) -> Self:
        """Let others stand in for it."""
        self.parts_ = {name: parts[name] for name in _STAND_INS if name in parts}
        return self

    def recommend(self, query: Query, k: int) -> Candidates:
        """What the campaign recommends; else what the best of Segue's own models does."""
        fitted(self.name, self.catalogue_)
        if not self.configured or k <= 0:
            return Candidates()
        found = self.answer(query, k)
        if found is not None:
            return found
        for model in self.parts_.values():
            if len(instead := model.recommend(query, k)):
                return instead
        return Candidates()

    def answer(self, query: Query, k: int) -> Candidates | None:
        """What the campaign recommends; None: somebody else is to be asked.

        Whoever asks deeper and deeper with the same query causes one request, or one failure.
        """
        catalogue = fitted(self.name, self.catalogue_)
        latest = catalogue.memo.get(self.name)
        if latest and latest[0] is query:
            found: Candidates | None = latest[1]
        else:
            found = self._asked(query, catalogue)
            catalogue.memo[self.name] = (query, found)
        return None if found is None else found.take(range(min(k, len(found))))

    def outcome(self) -> str:
        """How many questions the campaign answered, and why Segue's own models did the others."""
        with self._lock:
            counts = dict(self.counts)
        answered = counts.pop("answered", 0)
        rest = ", ".join(f"{why} {count:,}" for why, count in sorted(counts.items()))
        others = f"; own models answered {sum(counts.values()):,} ({rest})" if counts else ""
        return f"the campaign answered {answered:,} questions{others}"

    def save(self, folder: Path) -> None:
        """Write how it is reached."""
        fitted(self.name, self.catalogue_)
        save_settings(folder, {"settings": self._settings()})

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read it back."""
        model = cls(**load_settings(folder)["settings"])
        model.catalogue_ = catalogue
        return model

    # --- asking ---------------------------------------------------------------------------------

    def _asked(self, query: Query, catalogue: Catalogue) -> Candidates | None:
        about = query.seeds[:_SEEDS] if query.mix == "similar" else ()
        if query.mix == "rediscover" or (query.mix == "similar" and not about):
            return self._instead("not asked")
        if about and not self.similar_campaign:
            return self._instead("not asked")
        if not about and not (self.campaign and query.user_id):
            return self._instead("stranger")
        if not self._breaker.allows():
            return self._instead("resting")
        try:
            named = self._beside(about, query) if about else self._for(query)
        except ServiceDownError as error:
            return self._failed(error, for_good=False)
        except SegueError as error:
            return self._failed(error, for_good=True)
        self._breaker.worked()
        if named is None:
            return self._instead("unknown user")
        found = self._known(named, query, catalogue)
        if not len(found):
            return self._instead("nothing fits")
        self._count("answered")
        return found

    def _for(self, query: Query) -> dict[str, tuple[float, str | None]] | None:
        """Items for a user; None: the campaign does not know them."""
        assert query.user_id is not None
        asked = self._filter(query)
        items = self._runtime.for_user(self.campaign, query.user_id, MOST_ITEMS, **asked)
        if items and _are_the_same(items, self._for_strangers(asked)):
            return None
        return {item: (score, None) for item, score in items}

    def _beside(self, seeds: Sequence[str], query: Query) -> dict[str, tuple[float, str | None]]:
        """Items near some tracks, each with the one that it is nearest to."""
        best: dict[str, tuple[float, str | None]] = {}
        asked = self._filter(query, unheard=False)
        for seed in seeds:
            items = self._runtime.beside_item(self.similar_campaign, seed, MOST_ITEMS, **asked)
            for place, (item, score) in enumerate(items):
                told = score or 1.0 / (place + 1)  # some recipes give no scores
                if item not in best or told > best[item][0]:
                    best[item] = (told, seed)
        return best

    def _known(
        self, named: Mapping[str, tuple[float, str | None]], query: Query, catalogue: Catalogue
    ) -> Candidates:
        """The items that are tracks here and keep to the bounds, best first."""
        items = list(named)
        rows = catalogue.rows(items)
        usable = searchable(query, catalogue, listening(query, catalogue))
        kept = [at for at, row in enumerate(rows.tolist()) if row >= 0 and usable[row]]
        strange = int((rows < 0).sum())
        if strange:
            _log.debug("personalize: %d of %d items are no tracks here", strange, len(items))
        kept.sort(key=lambda at: (-named[items[at]][0], at))

        def evidence(place: int) -> Evidence:
            near = named[items[kept[place]]][1]
            kind = "told" if near is None else "alike"
            return Evidence(kind=kind, other_id=near, service=_SERVICE)

        return candidates(
            self.name,
            catalogue,
            rows[kept] if kept else np.empty(0, np.int64),
            scores=[named[items[at]][0] for at in kept],
            evidence=evidence,
        )

    def _filter(self, query: Query, *, unheard: bool = True) -> _Asked:
        """A request has room for one filter; bounds that it does not know are kept here."""
        genres = ",".join(f'"{one}"' for one in query.filters.genres if '"' not in one)
        if self.genres_filter and genres and len(genres) <= _VALUE:
            return {"filter_arn": self.genres_filter, "filter_values": {"GENRES": genres}}
        if self.unheard_filter and unheard and query.mix == "discover":
            return {"filter_arn": self.unheard_filter}
        return {}

    def _for_strangers(self, asked: _Asked) -> Items:
        """What somebody gets whom the campaign cannot know; asked for once an hour."""
        key, now = repr(sorted(asked.items())), time.monotonic()
        with self._lock:
            made, items = self._strangers.get(key, (-_STRANGER_SECONDS, ()))
        if now - made < _STRANGER_SECONDS:
            return items
        nobody = f"segue-nobody-{secrets.token_hex(8)}"
        items = self._runtime.for_user(self.campaign, nobody, MOST_ITEMS, **asked)
        with self._lock:
            if len(self._strangers) > 100:
                self._strangers.clear()
            self._strangers[key] = (now, items)
        return items

    # --- standing in ----------------------------------------------------------------------------

    def _failed(self, error: SegueError, *, for_good: bool) -> Candidates | None:
        if self._breaker.failed(for_good=for_good):
            _log.warning(
                "personalize: %s; Segue's own models answer for %.0f s",
                error.message,
                self.rest_seconds,
            )
        return self._instead("failed")

    def _instead(self, why: str) -> Candidates | None:
        count = self._count(why)
        if why != "not asked":
            level = logging.INFO if count & (count - 1) == 0 else logging.DEBUG  # 1, 2, 4, 8 …
            _log.log(level, "personalize: %s, the %d. time: own models answer", why, count)
        return None

    def _count(self, what: str) -> int:
        with self._lock:
            self.counts[what] += 1
            return self.counts[what]

    @property
    def _runtime(self) -> PersonalizeRuntime:
        return PersonalizeRuntime(
            Aws(self.region, self.endpoint_url, attempts=1, timeout_seconds=self.timeout_seconds)
        )

    def _settings(self) -> dict[str, object]:
        return {
            "campaign": self.campaign,
            "similar_campaign": self.similar_campaign,
            "unheard_filter": self.unheard_filter,
            "genres_filter": self.genres_filter,
            "region": self.region,
            "endpoint_url": self.endpoint_url,
            "timeout_seconds": self.timeout_seconds,
            "rest_seconds": self.rest_seconds,
            "leads": self.leads,
        }


def _are_the_same(items: Items, strangers: Items) -> bool:
    """Whether two answers are one, as far as exploration lets them be.

    A stranger's scores hang on the items alone: those that both lists share have equal ones.
    """
    first, other = dict(items[:_LOOKED_AT]), dict(strangers[:_LOOKED_AT])
    shared = first.keys() & other.keys()
    if not other or len(shared) < _SAME * len(first):
        return False
    equal = sum(abs(first[one] - other[one]) <= 1e-3 * abs(other[one]) for one in shared)
    return equal >= _SAME * len(shared)
