"""Opening inputs: what is listed, what is refused, and what is left behind (nothing)."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import SourceError, StorageError
from segue.sources.inputs import InputLimits, open_input


def make_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def content_of(path: Path, temp: Path, limits: InputLimits | None = None) -> dict[str, bytes]:
    content = {}
    with open_input(path, limits, temp_folder=temp) as opened:
        for file in opened.files:
            with file.on_disk() as real:
                content[file.name] = real.read_bytes()
                assert file.head(4) == content[file.name][:4]
                assert file.size == len(content[file.name])
                assert file.input == path
    assert not temp.exists() or not list(temp.iterdir())
    return content


def refusal(path: Path, temp: Path, limits: InputLimits | None = None) -> SourceError:
    with pytest.raises(SourceError) as caught:
        content_of(path, temp, limits)
    assert caught.value.cure
    assert str(path) in str(caught.value)
    assert not temp.exists() or not list(temp.iterdir())
    return caught.value


@pytest.fixture
def temp(tmp_path: Path) -> Path:
    return tmp_path / "temp"


@pytest.mark.parametrize("name", ["my_data.zip", "my_data", "my_data.json", "MY DATA.ZIP"])
def test_a_zip_under_any_name(tmp_path: Path, temp: Path, name: str) -> None:
    files = {"a/plays_10.json": b"[10]", "a/plays_2.json": b"[2]", "ReadMe.pdf": b"%PDF"}
    path = make_zip(tmp_path / name, files)
    assert list(content_of(path, temp)) == ["a/plays_2.json", "a/plays_10.json", "ReadMe.pdf"]
    assert content_of(path, temp) == files


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_usual_compression(tmp_path: Path, temp: Path, method: int) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.json": b"[1, 2]" * 99}, method)
    assert content_of(path, temp) == {"a.json": b"[1, 2]" * 99}


def test_clutter_is_passed_over_in_silence(tmp_path: Path, temp: Path) -> None:
    files = {
        "__MACOSX/a/._plays.json": b"x",
        "a/._plays.json": b"x",
        "a/.DS_Store": b"x",
        ".hidden/plays.json": b"x",
        "a/plays.json": b"[]",
        "a/empty folder/": b"",
    }
    assert content_of(make_zip(tmp_path / "a.zip", files), temp) == {"a/plays.json": b"[]"}
    folder = tmp_path / "folder"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if content:
            (folder / name).write_bytes(content)
    assert content_of(folder, temp) == {"a/plays.json": b"[]"}


def test_a_folder_of_any_depth(tmp_path: Path, temp: Path) -> None:
    deep = tmp_path / "in" / "a" / "b" / "c" / "d"
    deep.mkdir(parents=True)
    (deep / "plays.json.json").write_bytes(b"[1]")
    (tmp_path / "in" / "other.csv").write_bytes(b"a,b")
    got = content_of(tmp_path / "in", temp)
    assert got == {"a/b/c/d/plays.json.json": b"[1]", "other.csv": b"a,b"}


def test_single_files_plain_and_gzipped(tmp_path: Path, temp: Path) -> None:
    plain = tmp_path / "plays.json.json"
    plain.write_bytes(b"[1]")
    assert content_of(plain, temp) == {"plays.json.json": b"[1]"}
    packed = tmp_path / "plays.json.gz"
    packed.write_bytes(gzip.compress(b"[1]"))
    assert content_of(packed, temp) == {"plays.json": b"[1]"}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "tracks.csv.gz").write_bytes(gzip.compress(b"a,b"))
    assert content_of(tmp_path / "in", temp) == {"tracks.csv": b"a,b"}


def test_a_relative_path_and_home(
    tmp_path: Path, temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plays.json").write_bytes(b"[1]")
    with open_input(Path("plays.json"), temp_folder=temp) as opened:
        assert opened.path == tmp_path / "plays.json"


def test_the_same_name_twice_is_two_files(tmp_path: Path, temp: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.json", b"[1]")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.json", b"[2]")
    assert content_of(path, temp) == {"a.json": b"[1]", "(2)/a.json": b"[2]"}


def test_archives_inside_are_named_and_not_opened(tmp_path: Path, temp: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"inner.zip": b"PK\x03\x04", "a.json": b"[]"})
    with open_input(path, temp_folder=temp) as opened:
        assert [file.name for file in opened.files] == ["a.json"]
        assert opened.unopened == ("inner.zip",)


@pytest.mark.parametrize(
    "name",
    ["../evil.json", "/etc/evil.json", "a/../../evil.json", "C:/evil.json", "a\\..\\evil.json"],
)
def test_names_that_leave_the_archive(tmp_path: Path, temp: Path, name: str) -> None:
    error = refusal(make_zip(tmp_path / "a.zip", {"a.json": b"[]", name: b"x"}), temp)
    assert error.member == name
    assert not (tmp_path.parent / "evil.json").exists()


def test_links_in_a_zip_are_not_followed(tmp_path: Path, temp: Path) -> None:
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("link.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.json", b"[]")
    with open_input(path, temp_folder=temp) as opened:
        assert opened.unopened == ("link.json",)
        assert [file.name for file in opened.files] == ["a.json"]


def test_links_in_a_folder_may_not_lead_out(tmp_path: Path, temp: Path) -> None:
    (tmp_path / "secret.json").write_bytes(b"secret")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.json").write_bytes(b"[]")
    (folder / "inside.json").symlink_to(folder / "a.json")
    (folder / "out.json").symlink_to(tmp_path / "secret.json")
    (folder / "around").symlink_to(tmp_path)
    (folder / "broken.json").symlink_to(tmp_path / "nowhere")
    with open_input(folder, temp_folder=temp) as opened:
        assert [file.name for file in opened.files] == ["a.json", "inside.json"]
        assert opened.unopened == ("out.json",)


def test_declared_size_ratio_and_total(tmp_path: Path, temp: Path) -> None:
    bomb = make_zip(tmp_path / "bomb.zip", {"a.json": bytes(20_000_000)})
    assert "200 times" in refusal(bomb, temp).message
    small = InputLimits(max_member_bytes=1000)
    assert "1,000 bytes" in refusal(bomb, temp, small).message
    two = make_zip(tmp_path / "two.zip", {"a": b"x" * 600, "b": b"y" * 600})
    assert content_of(two, temp, small)
    total = refusal(two, temp, InputLimits(max_total_bytes=1000))
    assert "one input" in total.message
    assert "2 files" in refusal(two, temp, InputLimits(max_members=1)).message


def test_a_header_that_lies_about_the_size(tmp_path: Path, temp: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.json": b"x" * 50_000})
    lying = path.read_bytes().replace(struct.pack("<I", 50_000), struct.pack("<I", 10))
    path.write_bytes(lying)
    assert refusal(path, temp).member == "a.json"


def test_a_gzip_bomb(tmp_path: Path, temp: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(bytes(30_000_000)))
    assert "200 times" in refusal(path, temp).message
    limits = InputLimits(max_member_bytes=1000, max_ratio=1e9)
    assert "1,000 bytes" in refusal(path, temp, limits).message


def test_encrypted(tmp_path: Path, temp: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.json": b"[1]"}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[data.index(b"PK\x03\x04") + 6] |= 1
    path.write_bytes(data)
    error = refusal(path, temp)
    assert "encrypted" in error.message
    assert error.member == "a.json"


def test_an_unknown_compression(tmp_path: Path, temp: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.json": b"[1]"}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 10] = 9
    data[data.index(b"PK\x03\x04") + 8] = 9
    path.write_bytes(data)
    assert refusal(path, temp).member == "a.json"


def test_truncated_and_damaged(tmp_path: Path, temp: Path) -> None:
    whole = make_zip(tmp_path / "a.zip", {"a.json": os.urandom(5000)}, zipfile.ZIP_STORED)
    data = whole.read_bytes()
    for cut in (4, 30, 1000, len(data) - 30, len(data) - 5):
        (tmp_path / "cut.zip").write_bytes(data[:cut])
        assert "damaged" in refusal(tmp_path / "cut.zip", temp).message
    (tmp_path / "bad.zip").write_bytes(data[:1000] + b"!" + data[1001:])
    error = refusal(tmp_path / "bad.zip", temp)
    assert error.member == "a.json"
    assert "damaged" in error.message


def test_damaged_gzip(tmp_path: Path, temp: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(os.urandom(5000))[:3000])
    assert "damaged" in refusal(path, temp).message


def test_not_a_zip_missing_empty_and_special(tmp_path: Path, temp: Path) -> None:
    page = tmp_path / "page.zip"
    page.write_bytes(b"<!DOCTYPE html><html>login")
    assert "web page" in refusal(page, temp).message
    text = tmp_path / "text.zip"
    text.write_bytes(b"hello")
    assert "not a zip" in refusal(text, temp).message
    assert "no such file" in refusal(tmp_path / "nowhere.zip", temp).message
    for name in ("empty.zip", "empty.json"):
        (tmp_path / name).touch()
        assert "empty" in refusal(tmp_path / name, temp).message
    hollow = make_zip(tmp_path / "hollow.zip", {"folder/": b""})
    assert "no files" in refusal(hollow, temp).message
    (tmp_path / "hollow").mkdir()
    assert "no files" in refusal(tmp_path / "hollow", temp).message
    os.mkfifo(tmp_path / "pipe")
    assert "neither" in refusal(tmp_path / "pipe", temp).message
    (tmp_path / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c rest")
    assert "7-Zip" in refusal(tmp_path / "a.7z", temp).message


def test_a_tar_of_gzip_is_refused_with_a_cure(tmp_path: Path, temp: Path) -> None:
    import tarfile

    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("a.json")
        info.size = 2
        archive.addfile(info, io.BytesIO(b"[]"))
    assert "tar archive" in refusal(tmp_path / "a.tar.gz", temp).message


def test_an_empty_member_is_an_error_when_it_is_read(tmp_path: Path, temp: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.json": b""})
    assert "empty" in refusal(path, temp).message


def test_permission_denied(tmp_path: Path, temp: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[]")
    path.chmod(0)
    if os.geteuid() != 0:
        assert "may not read" in refusal(path, temp).message
        return
    # root may read everything, so the test asks as nobody, from a folder that nobody can enter
    tmp_path.chmod(0o700)
    os.seteuid(65534)
    try:
        with pytest.raises(SourceError, match="may not read") as caught, open_input(path):
            pass
    finally:
        os.seteuid(0)
    assert "chmod" in caught.value.cure


def test_nowhere_to_unpack(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.json": b"[]"})
    with (
        open_input(path, temp_folder=path / "below a file") as opened,
        pytest.raises(StorageError),
        opened.files[0].on_disk(),
    ):
        pass


def test_unpacked_files_go_when_the_reader_fails(tmp_path: Path, temp: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.json": b"[]"})
    with (
        pytest.raises(RuntimeError, match="reader"),
        open_input(path, temp_folder=temp) as opened,
        opened.files[0].on_disk(),
    ):
        raise RuntimeError("reader")
    assert not list(temp.iterdir())


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_damage_to_a_zip_is_a_clear_error(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    path = make_zip(folder / "a.zip", {"a/plays.json": b'[{"a": 1}]' * 20, "b.txt": b"hello"})
    whole = path.read_bytes()
    at = data.draw(st.integers(4, len(whole) - 1))
    patch = data.draw(st.binary(min_size=1, max_size=6))
    path.write_bytes(whole[:at] + patch + whole[at + len(patch) :])
    try:
        with open_input(path, temp_folder=folder / "temp") as opened:
            for file in opened.files:
                file.head()
                with file.on_disk() as real:
                    assert real.read_bytes() in (b'[{"a": 1}]' * 20, b"hello")
    except SourceError as error:
        assert error.cure
