"""TLS in front of the tests' PostgreSQL server, with certificates made on the spot.

The server that comes as a wheel is built without TLS. This front speaks the beginning of
PostgreSQL's protocol as the server does (SSLRequest, then TLS), and passes on what follows.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Authority", "TlsFront"]

_SSL_REQUEST, _GSS_REQUEST = 80_877_103, 80_877_104


class Authority:
    """Signs certificates; its own is `folder/ca.pem`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, folder.as_posix()[-60:])])
        ca = x509.BasicConstraints(ca=True, path_length=None)
        made = self._about(self._name, self._key).add_extension(ca, critical=True)
        self.certificate = folder / "ca.pem"
        self.certificate.write_bytes(self._signed(made))

    def server(self, host: str) -> ssl.SSLContext:
        """What a server of this name shows."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        signed = self._signed(self._about(name, key).add_extension(names, critical=False))
        pem = self.folder / f"{host}.pem"
        pem.write_bytes(
            signed
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context

    def _about(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )

    def _signed(self, made: x509.CertificateBuilder) -> bytes:
        certificate = made.sign(self._key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)


class TlsFront:
    """Listens on 127.0.0.1 while `running`.

    Args:
        context: The certificate it shows.
        port: Of the server behind it, on 127.0.0.1.
    """

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        self._context = context
        self._behind = port
        self.port = 0
        self.encrypted = 0
        self.plain = 0

    @contextmanager
    def running(self) -> Iterator[TlsFront]:
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self._meet, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=loop.run_forever, name="tls-front", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            try:
                await self._serve(reader, writer)
            finally:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await reader.readexactly(8)
            code = struct.unpack(">i", asked[4:])[0]
            if code == _GSS_REQUEST:
                writer.write(b"N")
                continue
            if code != _SSL_REQUEST:
                self.plain += 1
                return
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(self._context)
            self.encrypted += 1
            break
        back, forth = await asyncio.open_connection("127.0.0.1", self._behind)
        try:
            await asyncio.gather(_pass(reader, forth), _pass(back, writer))
        finally:
            forth.close()


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while some := await source.read(1 << 16):
        target.write(some)
        await target.drain()
    target.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
