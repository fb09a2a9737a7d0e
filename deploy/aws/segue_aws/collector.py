"""The collector: what was played lately, into the lake, every hour."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from segue_aws.choices import Choices
from segue_aws.keep import KeepStack
from segue_aws.personal import PersonalStack, Scheduled
from segue_aws.told import tell

__all__ = ["CollectorStack"]


class CollectorStack(cdk.Stack):
    """`segue collect`; it adds files to the lake and may remove none."""

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
            "Collect",
            choices,
            keep,
            personal,
            handler="segue.doors.aws.collect.handler",
            when=choices.collect_when,
            environment={},
            memory=512,
            timeout=cdk.Duration.minutes(5),
        )
        self.function = made.function
        tell(self, "Function", made.function.function_name)
        tell(self, "GivenUpQueue", made.given_up.queue_url)
