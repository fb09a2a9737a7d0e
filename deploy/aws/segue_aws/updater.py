"""The weekly updater of one listener, and the synchroniser of two playlists."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from segue_aws.choices import Choices
from segue_aws.keep import KeepStack
from segue_aws.personal import PersonalStack, Scheduled
from segue_aws.told import tell

__all__ = ["SyncStack", "UpdaterStack"]


class UpdaterStack(cdk.Stack):
    """`segue update`: the whole job, from plays to a playlist and the news of it."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        choices: Choices,
        keep: KeepStack,
        personal: PersonalStack,
    ) -> None:
        super().__init__(scope, name)
        told = {"SNS_TOPIC_ARN": personal.topic.topic_arn}
        if choices.playlist_id:
            told["SPOTIFY_PLAYLIST_ID"] = choices.playlist_id
        made = Scheduled(
            self,
            "Update",
            choices,
            keep,
            personal,
            handler="segue.doors.aws.update.handler",
            when=choices.update_when,
            environment=told,
            memory=choices.memory,
            timeout=cdk.Duration.minutes(15),
            storage=2048,
            compacts=True,
            topic=True,
        )
        self.function = made.function
        tell(self, "Function", made.function.function_name)
        tell(self, "GivenUpQueue", made.given_up.queue_url)


class SyncStack(cdk.Stack):
    """`segue playlist sync`: what is new in one playlist is added to another."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        choices: Choices,
        keep: KeepStack,
        personal: PersonalStack,
    ) -> None:
        super().__init__(scope, name)
        made = Scheduled(
            self,
            "Sync",
            choices,
            keep,
            personal,
            handler="segue.doors.aws.sync.handler",
            when=choices.sync_when,
            environment={
                "SEGUE_SYNC_SOURCE": choices.sync_source,
                "SEGUE_SYNC_TARGET": choices.sync_target,
            },
            memory=256,
            timeout=cdk.Duration.minutes(5),
        )
        self.function = made.function
        tell(self, "Function", made.function.function_name)
        tell(self, "GivenUpQueue", made.given_up.queue_url)
