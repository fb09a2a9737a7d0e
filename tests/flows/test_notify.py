"""Telling people what happened: what arrives, what does not, and what is told once."""

from __future__ import annotations

import json
import logging
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr

from segue.errors import ConfigError, NotifyError
from segue.flows.notify import (
    add_destination,
    destinations,
    expiring,
    notify,
    remove_destination,
    templates,
    try_out,
)
from segue.flows.wiring import Wiring
from segue.music.playlist import Playlist, PlaylistTrack
from segue.notifications.apprise_url import AppriseUrl
from segue.notifications.base import KINDS, Attachment, Message
from segue.notifications.examples import examples
from segue.notifications.messages import (
    build_failed,
    collection_stopped,
    playlist_refreshed,
    token_expiring,
)
from segue.notifications.sent_once import SentOnce
from segue.notifications.sns_topic import SnsTopic
from segue.services.sign_ins import SignInFacts
from segue.services.state_file import StateFile
from segue.settings import Settings, load_settings
from tests.message_sinks import Hook, MailBox, hook, mail_box
from tests.s3_server import S3Server, keys

NOW: Final = datetime(2026, 11, 16, 8, tzinfo=UTC)
DAY: Final = timedelta(days=1)


@pytest.fixture
def web() -> Iterator[Hook]:
    with hook() as served:
        yield served


@pytest.fixture
def mail() -> Iterator[MailBox]:
    with mail_box() as served:
        yield served


def told(home: Path, *urls: str, **more: Any) -> Settings:
    notifications = {"urls": list(urls), "wait_seconds": 0.01, "timeout_seconds": 5.0, **more}
    return load_settings(home=home, secrets={"store": "file"}, notifications=notifications)


def failed(why: str = "the disk is full", at: datetime = NOW) -> Message:
    return build_failed(step="build", why=why, cure="Free some space.", at=at)


def track(rank: int, title: str = "Sinnerman", artist: str = "Nina Simone") -> PlaylistTrack:
    return PlaylistTrack(rank, f"t{rank}", title, (artist,), 1.0, "Because you love it.", ("als",))


def playlist(*tracks: PlaylistTrack) -> Playlist:
    return Playlist("p1", "Fresh finds", "", "ann", NOW, tracks)


# --- what arrives -------------------------------------------------------------------------------


def test_a_refreshed_playlist_arrives_with_its_tracks_and_reasons(
    tmp_path: Path, web: Hook, mail: MailBox
) -> None:
    message = playlist_refreshed(
        playlist(track(1), track(2, "<b>*x*", "NSYNC")), where="Spotify", added=2, removed=0
    )
    states = [one.state for one in notify(told(tmp_path, web.url, mail.url), message, now=NOW)]
    assert states == ["sent", "sent"]
    assert web.titles == ["Fresh finds is refreshed"]
    assert "Sinnerman" in web.bodies[0]["message"]
    assert "Because you love it." in web.bodies[0]["message"]
    (sent,) = mail.mails
    assert sent["Subject"] == "Fresh finds is refreshed"
    page = sent.get_body(("html",))
    assert page is not None
    html = page.get_content()
    assert "<strong>Sinnerman</strong>" in html
    assert "<b>" not in html  # a title is never HTML
    assert "<strong>‹b&gt;*x*</strong>" in html


def test_files_go_with_a_message(tmp_path: Path, mail: MailBox) -> None:
    message = Message(
        "weekly_report",
        "Week",
        "text",
        "text",
        attachments=(Attachment("../week.png", b"\x89PNG\r\n\x1a\n...."),),
    )
    assert [one.state for one in notify(told(tmp_path, mail.url), message, now=NOW)] == ["sent"]
    assert [part.get_filename() for part in mail.mails[0].iter_attachments()] == ["week.png"]


def test_a_kind_can_be_turned_off(tmp_path: Path, web: Hook) -> None:
    assert notify(told(tmp_path, web.url, off=["build_failed"]), failed(), now=NOW) == ()
    assert web.bodies == []


def test_nothing_is_done_where_nobody_wants_to_be_told(tmp_path: Path) -> None:
    assert notify(told(tmp_path), failed(), now=NOW) == ()


def test_a_topic_of_sns_tells_its_subscribers(
    tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    for name, value in keys().items():
        monkeypatch.setenv(name, value)
    options = {"endpoint_url": s3.url, "region_name": "eu-central-1"}
    sns, sqs = boto3.client("sns", **options), boto3.client("sqs", **options)
    name = uuid.uuid4().hex
    topic = sns.create_topic(Name=name)["TopicArn"]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:eu-central-1:123456789012:{name}"
    )
    monkeypatch.setenv("SNS_TOPIC_ARN", topic)
    settings = told(tmp_path, sns_endpoint_url=s3.url)
    assert [one.state for one in notify(settings, failed(), now=NOW)] == ["sent"]
    (taken,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    body = json.loads(taken["Body"])
    assert body["Subject"] == "Segue: build failed"
    assert "Free some space." in body["Message"]
    assert body["MessageAttributes"]["kind"]["Value"] == "build_failed"
    gone = SnsTopic(topic + "x", endpoint_url=s3.url)
    with pytest.raises(NotifyError, match="NotFound"):
        gone.tell(failed())


def test_a_fifo_topic_leaves_out_what_is_told_again(
    tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    for name, value in keys().items():
        monkeypatch.setenv(name, value)
    options = {"endpoint_url": s3.url, "region_name": "eu-central-1"}
    sns, sqs = boto3.client("sns", **options), boto3.client("sqs", **options)
    name = f"{uuid.uuid4().hex}.fifo"
    fifo = {"FifoTopic": "true", "ContentBasedDeduplication": "false"}
    topic = sns.create_topic(Name=name, Attributes=fifo)["TopicArn"]
    queue = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:eu-central-1:123456789012:{name}"
    )
    settings = told(tmp_path / "one", sns_endpoint_url=s3.url, sns_topic_arn=topic)
    elsewhere = told(tmp_path / "two", sns_endpoint_url=s3.url, sns_topic_arn=topic)
    for home in (settings, elsewhere):  # a home that does not know what was sent
        assert [one.state for one in notify(home, failed(), now=NOW)] == ["sent"]
    assert [one.state for one in notify(settings, failed("another"), now=NOW)] == ["sent"]
    hellos = [one.state for _ in range(2) for one in try_out(Wiring(settings), user_id="", now=NOW)]
    assert hellos == ["sent", "sent"], "these have no key, so each of them counts"
    taken = []
    while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for one in found:
            taken.append(json.loads(one["Body"])["Subject"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
    assert len(taken) == 4
    assert taken[:2] == ["Segue: build failed"] * 2


# --- what does not ------------------------------------------------------------------------------


def test_a_destination_that_fails_keeps_the_others_and_the_caller_going(
    tmp_path: Path, web: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with hook() as gone:
        dead = gone.url
    result = notify(told(tmp_path, dead, "nonsense://t0ken", web.url), failed(), now=NOW)
    assert [one.state for one in result] == ["failed", "failed", "sent"]
    shown = " ".join([*map(str, result), caplog.text])
    for secret in ("p4ssword", "s3cret-path", "t0ken"):
        assert secret not in shown


def test_what_fails_for_a_moment_is_tried_again_and_sent_once(tmp_path: Path, web: Hook) -> None:
    web.answers[:] = [503, 500]
    assert [one.state for one in notify(told(tmp_path, web.url), failed(), now=NOW)] == ["sent"]
    assert len(web.bodies) == 1
    web.answers[:] = [500, 500, 500]
    again = failed("another fault")
    assert [one.state for one in notify(told(tmp_path, web.url), again, now=NOW)] == ["failed"]
    assert [one.state for one in notify(told(tmp_path, web.url), again, now=NOW)] == ["sent"]


def test_a_store_of_secrets_that_does_not_open_is_a_line_of_the_result(
    tmp_path: Path, web: Hook
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "lock").touch()
    (tmp_path / "secrets" / "secrets.enc").write_bytes(b"{}\n")
    result = notify(told(tmp_path, web.url), failed(), now=NOW)
    assert [one.state for one in result] == ["sent", "failed"]
    assert "damaged" in result[1].why


def test_what_is_no_url_is_told_without_showing_it() -> None:
    with pytest.raises(ConfigError, match="none that apprise knows") as wrong:
        AppriseUrl("phone", SecretStr("my-t0ken")).check()
    assert "t0ken" not in str(wrong.value)


def test_without_apprise_the_way_to_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)  # as where it is not installed
    (result,) = notify(told(tmp_path, "ntfy://topic"), failed(), now=NOW)
    assert result.state == "failed"
    assert "pip install 'segue[notifications]'" in result.why


# --- once ---------------------------------------------------------------------------------------


def test_the_same_is_told_once_to_each_destination(tmp_path: Path, web: Hook) -> None:
    settings = told(tmp_path, web.url)
    assert [one.state for one in notify(settings, failed(), now=NOW)] == ["sent"]
    assert [one.state for one in notify(settings, failed(), now=NOW)] == ["already"]
    tomorrow = notify(settings, failed(at=NOW + DAY), now=NOW + DAY)
    assert [one.state for one in tomorrow] == ["sent"]  # it fails still
    with hook() as later:
        states = [one.state for one in notify(told(tmp_path, later.url), failed(), now=NOW)]
    assert states == ["sent"]


def test_a_stop_is_told_once_and_the_next_stop_again(tmp_path: Path, web: Hook) -> None:
    settings = told(tmp_path, web.url)
    for since in (NOW, NOW, NOW + DAY):
        stop = collection_stopped(source="Spotify", user_id="ann", since=since, why="no sign-in")
        notify(settings, stop, now=NOW + 2 * DAY)
    assert len(web.bodies) == 2


def test_a_sign_in_is_warned_of_at_30_7_and_1_days_and_when_it_has_ended(
    tmp_path: Path, web: Hook
) -> None:
    ends = NOW + 40 * DAY
    facts = SignInFacts("ann", "ann", (), NOW, ends)
    for hour in range(0, 42 * 24, 6):
        now = NOW + timedelta(hours=hour)
        for message in expiring([facts], service="Spotify", command="segue spotify login", now=now):
            notify(told(tmp_path, web.url), message, now=now)
    assert web.titles == [
        "Spotify sign-in of ann ends in 30 days",
        "Spotify sign-in of ann ends in 7 days",
        "Spotify sign-in of ann ends in 1 day",
        "Spotify sign-in of ann has ended",
    ]
    assert "segue spotify login --user ann" in web.bodies[0]["message"]
    again = token_expiring(
        service="Spotify", user_id="ann", ends_at=None, again="x", now=NOW, ended="access revoked"
    )
    assert again is not None
    assert "access revoked" in again.body_text


def test_who_died_while_sending_keeps_nobody_from_it_for_long(tmp_path: Path) -> None:
    once = SentOnce(StateFile(tmp_path / "services.sqlite"))
    with once.once("ann", "x", NOW) as first, once.once("ann", "x", NOW) as second:
        assert (first, second) == ("due", "waits")
    with once.once("ann", "x", NOW) as third:
        assert third == "already"
    with pytest.raises(KeyboardInterrupt), once.once("ann", "y", NOW):
        raise KeyboardInterrupt
    with once.once("ann", "y", NOW) as turn:
        assert turn == "due"
    claimed = once.once("ann", "z", NOW)
    claimed.__enter__()  # and never left
    with once.once("ann", "z", NOW + timedelta(minutes=9)) as turn:
        assert turn == "waits"
    with once.once("ann", "z", NOW + timedelta(minutes=11)) as turn:
        assert turn == "due"


# --- destinations and templates -----------------------------------------------------------------


def test_destinations_are_kept_with_the_secrets_for_all_or_for_one(
    tmp_path: Path, web: Hook
) -> None:
    settings = told(tmp_path)
    add_destination(Wiring(settings), "mine", SecretStr(web.url), user_id="ann")
    assert [one.where for one in destinations(Wiring(settings), "ann")] == ["mine (json)"]
    assert destinations(Wiring(settings), "ben") == []
    mine = playlist_refreshed(playlist(track(1)), where="Spotify")
    assert [one.state for one in notify(settings, mine, now=NOW)] == ["sent"]
    assert notify(settings, failed(), now=NOW) == ()  # of everybody
    for file in (tmp_path / "secrets").iterdir():
        assert b"s3cret-path" not in file.read_bytes()
    with pytest.raises(ConfigError, match="no destination"):
        remove_destination(Wiring(settings), "other", user_id="ann")
    remove_destination(Wiring(settings), "mine", user_id="ann")
    assert destinations(Wiring(settings), "ann") == []


def test_a_template_says_it_in_the_users_words(tmp_path: Path, web: Hook) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "build_failed.txt").write_text("Subject: Oh no, $step\n\n$why costs 5 $$.\n$body")
    assert [one.state for one in notify(told(tmp_path, web.url), failed(), now=NOW)] == ["sent"]
    (body,) = web.bodies
    assert body["title"] == "Oh no, build"
    assert body["message"].startswith("the disk is full costs 5 $.")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Hello\n$whyy", r"build_failed\.md, line 2: there is no \$whyy"),
        ("5 $ only", r"line 1: a lone \$"),
        ("a\n\n${why", r"line 3: a lone \$"),
    ],
)
def test_a_template_with_a_fault_is_told_of_and_the_message_sent_all_the_same(
    tmp_path: Path, web: Hook, text: str, wrong: str
) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "build_failed.md").write_text(text)
    (folder / "buildfailed.md").write_text("misspelt")
    with pytest.raises(ConfigError, match=wrong) as fault:
        templates(Wiring(told(tmp_path))).filled(failed())
    assert "$cure, $" in str(fault.value)
    result = notify(told(tmp_path, web.url), failed(), now=NOW)
    assert [one.state for one in result] == ["sent", "failed"]
    assert web.titles == ["Segue: build failed"]
    assert templates(Wiring(told(tmp_path))).strangers() == ("buildfailed.md",)
    tried = try_out(Wiring(told(tmp_path, web.url)), user_id="", now=NOW)
    assert [one.state for one in tried] == ["sent", "failed"]


def test_there_is_an_example_of_every_kind() -> None:
    assert {one.kind for one in examples("ann", NOW)} == set(KINDS)
