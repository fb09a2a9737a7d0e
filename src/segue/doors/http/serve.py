"""Runs the service: a socket, one process or several that answer at it, and a quiet end."""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from segue.access.keyring import Keyring
from segue.access.passwords import Passwords
from segue.doors.http.ahead import answering_ahead
from segue.doors.http.app import API, Parts, make_app
from segue.doors.http.arenas import one_arena
from segue.doors.http.followers import following
from segue.doors.http.front import Front
from segue.doors.http.logs import log_as_json, write_lines
from segue.doors.http.patience import Patience
from segue.doors.web.late_page import LatePage, Opened
from segue.doors.web.readiness import getting_ready
from segue.errors import ConfigError, SegueError, UnknownUserError, WarehouseError
from segue.flows.home_parts import ACCESS, PASSWORDS
from segue.flows.keys import every_key
from segue.flows.online import Service
from segue.flows.wiring import Wiring
from segue.settings import Settings

__all__ = ["serve"]

_log = logging.getLogger(__name__)

_BACKLOG: Final = 2048
_IDLE_S: Final = 30
_ORPHAN_S: Final = 0.5
_SPARE_FILES: Final = 256
_EXPECTED: Final = 4


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Answer requests until told to stop (SIGTERM, Ctrl-C); what is under way is finished first.

    Args:
        settings: Section `service` says where and how.
        say: Told the address, once there is one to ask at.

    Raises:
        ConfigError: The address cannot be listened at, or needs keys and there are none.
        BusyError: Another command has the home for itself.
    """
    listener, loopback = _bound(settings.service.host, settings.service.port)
    with listener:
        if not loopback and not _has_keys(settings) and not _has_passwords(settings):
            raise ConfigError(
                f"everybody who can reach {settings.service.host} could read and change the data"
                " here: there are no API keys and no passwords",
                field="service.host",
                cure="Make one with `segue keys create NAME` or `segue keys password`, or listen at"
                " 127.0.0.1.",
            )
        _allow_files(settings.service.connections)
        worker = _Worker(settings, loopback=loopback, parent=os.getpid())
        config = Patience(
            worker,
            factory=True,
            slow_seconds=settings.service.slow_seconds,
            most_connections=settings.service.connections,
            workers=settings.service.workers,
            loop="uvloop",
            ws="none",
            lifespan="on",
            interface="asgi3",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_IDLE_S,
            timeout_graceful_shutdown=settings.service.drain_seconds,
        )
        address = _address(listener)
        signal.set_wakeup_fd(-1)  # from here on a signal means: finish, then end
        log_as_json()
        with (
            _made_elsewhere(settings),
            following(settings) as follow,
            answering_ahead(settings) as answer_ahead,
        ):

            def started() -> None:
                say(address)
                follow()
                answer_ahead()

            if settings.service.workers == 1:
                _Server(config, started).run(sockets=[listener])
                return
            with TemporaryDirectory(prefix="segue-numbers-") as numbers:
                config.app = replace(worker, numbers=Path(numbers))
                started()
                workers = Multiprocess(config, sockets=[listener])
                workers.run()
                if any(one.exitcode == STARTUP_FAILURE for one in workers.processes):
                    raise WarehouseError(
                        "the service could not begin", cure="The lines above say why."
                    )


def _made_elsewhere(settings: Settings) -> AbstractContextManager[None]:
    """What others publish, where the settings say that this service answers with it."""
    if not settings.service.follow:
        return nullcontext()
    from segue.flows.aws.made_elsewhere import followed  # wants boto3

    return followed(settings)


@dataclass(frozen=True)
class _Worker:
    """Makes the application, in whichever process it is to answer."""

    settings: Settings
    loopback: bool
    parent: int
    numbers: Path | None = None

    def __call__(self) -> Front:
        """Open the home and everything in it."""
        one_arena()
        log_as_json()
        if self.settings.service.workers == 1:
            return self._opened()
        _end_with(self.parent)
        try:
            return self._opened()
        except SegueError as error:  # beginning again would not help
            _log.error("%s", error)
            raise SystemExit(STARTUP_FAILURE) from error

    def _opened(self) -> Front:
        stack, service_settings = ExitStack(), self.settings.service
        wiring = Wiring(self.settings)
        service = Service.open(wiring, clock=_now)
        stack.callback(service.close)
        stack.callback(wiring.keys.close)
        ring = Keyring(wiring.keys, clock=_now)
        page: LatePage | None = None
        ahead: AbstractContextManager[None] = nullcontext()
        if self.settings.web.enabled:
            page = LatePage(lambda: self._page(wiring, service, ring), others=API)
            stack.callback(page.close)
            if service_settings.ahead:
                ahead = getting_ready(
                    page, lambda: self._expected(service, ring), lambda: service.answers_with
                )
        parts = Parts(
            service=service,
            ring=ring,
            home=self.settings.home,
            clock=_now,
            loopback=self.loopback,
            log=write_lines if service_settings.access_log else None,
            share=1 / service_settings.workers,
            numbers=self.numbers,
            beside=_both(stack, ahead),
            page=page,
        )
        return make_app(parts, service_settings)

    def _expected(self, service: Service, ring: Keyring) -> Sequence[str]:
        """Who may open the page: those with a password; the home's user, where nobody needs one.

        In a home that knows nothing of that user, it is its only listener.
        """
        named = Passwords(self.settings.home / ACCESS / PASSWORDS).users()
        if named:
            return named[:_EXPECTED]
        if not self.loopback or not ring.empty:
            return []
        with suppress(UnknownUserError):
            return [service.user(self.settings.user_id).user_id]
        everybody = [one.user_id for one in service.users(limit=2)]
        return everybody if len(everybody) == 1 else [self.settings.user_id]

    def _page(self, wiring: Wiring, service: Service, ring: Keyring) -> Opened:
        from segue.doors.web.open_page import open_page

        page = open_page(wiring, service, ring, clock=_now, loopback=self.loopback)
        assert page is not None, "it is not wanted"
        return page


@contextmanager
def _both(
    outer: AbstractContextManager[object], inner: AbstractContextManager[object]
) -> Iterator[None]:
    with outer, inner:
        yield


def _end_with(parent: int) -> None:
    """End this process, as if it had been told to, when that one is gone: killed, it cannot say."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_ORPHAN_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


class _Server(uvicorn.Server):
    """A server that says when it is there, and ends without an error when it is told to."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._told = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            self._told()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals as a wish to end; they are not sent again afterwards."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield


def _now() -> datetime:
    return datetime.now(tz=UTC)


def _has_passwords(settings: Settings) -> bool:
    return Passwords(settings.home / ACCESS / PASSWORDS).any


def _has_keys(settings: Settings) -> bool:
    store = Wiring(settings).keys
    try:
        return any(key.revoked_at is None for key in every_key(store))
    finally:
        store.close()


def _bound(host: str, port: int) -> tuple[socket.socket, bool]:
    """A socket at an address, and whether only this machine can reach it.

    Raises:
        ConfigError: There is no such address here, or somebody else listens at it.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _no_address(host, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.set_inheritable(True)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} of {host} is taken by another program",
                field="service.port",
                cure="End that program, or choose another port with --port.",
            ) from error
        if error.errno == errno.EACCES:
            raise ConfigError(
                f"port {port} may not be used by this user",
                field="service.port",
                cure="Choose one above 1023 with --port, and put a proxy before it.",
            ) from error
        raise _no_address(host, error) from error
    return listener, ipaddress.ip_address(str(place[0]).partition("%")[0]).is_loopback


def _no_address(host: str, error: OSError) -> ConfigError:
    return ConfigError(
        f"this machine cannot listen at “{host}”: {error.strerror or error}",
        field="service.host",
        cure="Give an address of this machine, such as 127.0.0.1 or 0.0.0.0.",
    )


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _allow_files(connections: int) -> None:
    """Let the process have as many files open as there may be connections, if the system does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
