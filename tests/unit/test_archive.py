"""The form of a backup: what goes in comes out, and nothing else is ever believed."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import WarehouseError
from segue.flows.home_parts import PARTS
from segue.warehouse.archive_format import ABOUT, BLOCK, DIGEST, FILES, About, header
from segue.warehouse.archive_reader import is_archive, read_archive
from segue.warehouse.archive_writer import FileOnDisk, InMemory, write_archive
from tests.support import NOW

NAME = Path("b.tar")
ABOUT_IT = About("0.1.0", NOW, PARTS, {"rows": 3})


class Kept:
    """A taker that keeps everything."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.name = ""

    def begin(self, path: str, size: int) -> None:
        self.name = path
        self.files[path] = b""

    def take(self, piece: bytes) -> None:
        self.files[self.name] += piece

    def end(self) -> None:
        pass


def packed(files: Mapping[str, bytes], about: About = ABOUT_IT) -> bytes:
    out = io.BytesIO()
    write_archive(out, about, [InMemory(name, content) for name, content in files.items()])
    return out.getvalue()


def unpacked(archive: bytes) -> dict[str, bytes]:
    kept = Kept()
    read_archive(io.BytesIO(archive), NAME, parts=PARTS, taker=kept)
    return kept.files


SMALL = {
    "lake/plays/source=a/1.parquet": b"PAR1 data PAR1",
    "segue.toml": b"",
    "lake/x": b"y" * 512,
}

PIECE = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=90
).filter(lambda piece: piece not in (".", ".."))
PATHS = st.lists(PIECE, min_size=1, max_size=4).map(lambda pieces: "/".join(["lake", *pieces]))


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(PATHS, st.binary(max_size=1500), max_size=5))
def test_what_goes_in_comes_out(files: dict[str, bytes]) -> None:
    archive = packed(files)
    assert unpacked(archive) == files
    assert archive == packed(files)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:  # any program for tar can read it
        assert tar.getnames() == [ABOUT, *files, FILES, DIGEST]


def test_it_says_what_it_is(tmp_path: Path) -> None:
    about, files = read_archive(io.BytesIO(packed(SMALL)), NAME, parts=PARTS)
    assert about == ABOUT_IT
    assert [(file.path, file.bytes) for file in files] == [
        (name, len(content)) for name, content in SMALL.items()
    ]
    (tmp_path / "b.tar").write_bytes(packed(SMALL))
    (tmp_path / "other.tar").write_bytes(packed(SMALL)[BLOCK:])
    assert is_archive(tmp_path / "b.tar")
    assert not is_archive(tmp_path / "other.tar")
    names = subprocess.run(["tar", "tf", tmp_path / "b.tar"], capture_output=True, check=True)
    assert names.stdout.decode().split() == [ABOUT, *SMALL, FILES, DIGEST]


def test_every_flipped_bit_is_found() -> None:
    archive = packed(SMALL)
    for at in range(len(archive)):
        wrong = bytearray(archive)
        wrong[at] ^= 1 << at % 8
        with pytest.raises(WarehouseError):
            unpacked(bytes(wrong))


def test_every_cut_and_every_addition_is_found() -> None:
    archive = packed(SMALL)
    for length in range(0, len(archive), 37):
        with pytest.raises(WarehouseError):
            unpacked(archive[:length])
    for more in (b"\0", b"x", bytes(BLOCK), archive):
        with pytest.raises(WarehouseError, match="after its end"):
            unpacked(archive + more)


def test_a_swap_of_two_files_is_found() -> None:
    one, two = packed({"lake/a": b"1", "lake/b": b"2"}), packed({"lake/b": b"2", "lake/a": b"1"})
    mixed = one[: -5 * BLOCK - 2 * BLOCK] + two[-5 * BLOCK - 2 * BLOCK :]
    assert mixed not in (one, two)
    with pytest.raises(WarehouseError, match="damaged"):
        unpacked(mixed)


def sealed(*members: tuple[bytes, bytes], about: About = ABOUT_IT) -> bytes:
    """An archive of any headers, with a list and a checksum that fit: made by an attacker."""
    import hashlib

    told = json.dumps(about.as_dict(), indent=1).encode()
    out = header(ABOUT, len(told), about.made_at) + told + bytes(-len(told) % BLOCK)
    listed = []
    for head, content in members:
        out += head + content + bytes(-len(content) % BLOCK)
        name = tarfile.TarInfo.frombuf(head[-BLOCK:], "utf-8", "surrogateescape").name
        digest = hashlib.sha256(content).hexdigest()
        listed.append({"path": name, "bytes": len(content), "sha256": digest})
    text = json.dumps(listed, indent=0).encode()
    out += header(FILES, len(text), about.made_at) + text + bytes(-len(text) % BLOCK)
    seal = hashlib.sha256(out).hexdigest().encode()
    return out + header(DIGEST, 64, about.made_at) + seal + bytes(BLOCK - 64) + bytes(2 * BLOCK)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../x", "leads out"),
        ("lake/../../x", "leads out"),
        ("/etc/passwd", "leads out"),
        ("lake//x", "leads out"),
        ("lake/./x", "leads out"),
        ("lake/", "leads out|plain file"),
        ("warehouse/segue.duckdb", "does not belong"),
        ("lock", "does not belong"),
        (".ssh/authorized_keys", "does not belong"),
        (ABOUT, "comes twice"),
        (DIGEST, "comes twice"),
        ("lake/" + "x" * 5000, "is no path"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str, why: str) -> None:
    assert unpacked(sealed((header("lake/x", 1, NOW), b"1"))) == {"lake/x": b"1"}
    with pytest.raises(WarehouseError, match=why):
        unpacked(sealed((header(path, 1, NOW), b"1")))
    with pytest.raises(WarehouseError):
        packed({path: b"1"})


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
        tarfile.GNUTYPE_SPARSE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.XGLTYPE,
        b"7",
    ],
)
def test_whatever_is_no_plain_file_is_refused(kind: bytes) -> None:
    info = tarfile.TarInfo("lake/x")
    info.type, info.linkname = kind, "/etc/passwd"
    info.mode, info.mtime = 0o600, int(NOW.timestamp())
    with pytest.raises(WarehouseError, match=r"plain file|damaged"):
        unpacked(sealed((info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"), b"")))


def test_a_file_twice_is_refused() -> None:
    member = (header("lake/x", 1, NOW), b"1")
    with pytest.raises(WarehouseError, match="comes twice"):
        unpacked(sealed(member, member))


def test_sizes_beyond_reason_do_not_fill_the_memory() -> None:
    for name in (ABOUT, FILES, "lake/x"):
        for size in (2**31, 2**62):
            archive = packed({}) if name == FILES else b""
            start = archive[: 2 * BLOCK] if name == FILES else b""
            lie = start + header(name, size, NOW) + b"{}" * 1000
            with pytest.raises(WarehouseError, match=r"damaged|no backup"):
                unpacked(lie)


def test_a_newer_form_is_refused_by_name() -> None:
    newer = packed(SMALL, About("9.9.9", NOW, PARTS, format=2))
    with pytest.raises(WarehouseError, match=r"newer Segue \(9\.9\.9, format 2"):
        unpacked(newer)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no backup"),
        (b"PK\x03\x04", "no backup"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"\x28\xb5\x2f\xfd", "compressed"),
        (b"x" * 5000, "no backup"),
    ],
)
def test_other_files_are_no_backups(content: bytes, why: str) -> None:
    with pytest.raises(WarehouseError, match=why):
        unpacked(content)


def test_a_file_that_has_changed_is_not_backed_up(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    file = FileOnDisk("lake/a", tmp_path / "a", crc32=1)
    with pytest.raises(WarehouseError, match="has changed since it was written"):
        write_archive(io.BytesIO(), ABOUT_IT, [file])
    (tmp_path / "a").unlink()
    with pytest.raises(WarehouseError, match="taken away"):
        write_archive(io.BytesIO(), ABOUT_IT, [file])


def test_large_and_late() -> None:
    """Sizes and times that a short header cannot hold."""
    late = About("0.1.0", datetime(2400, 1, 1, tzinfo=UTC), PARTS)
    assert unpacked(packed(SMALL, late)) == SMALL
    assert header("lake/x", 9 * 2**30, NOW)[156:157] == tarfile.XHDTYPE
