"""Events as they happen: API → Kinesis → profiles, Personalize, and Parquet on S3."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from segue_aws.choices import Choices
from segue_aws.cold_path import ColdPath
from segue_aws.door import Door
from segue_aws.forgetting import Forgetting
from segue_aws.functions import follow, function
from segue_aws.keep import KeepStack
from segue_aws.serving import Serving
from segue_aws.told import tell

__all__ = ["PipelineStack"]


class PipelineStack(cdk.Stack):
    """From `POST /events` to what is known of a user, within a second or two."""

    def __init__(self, scope: Construct, name: str, choices: Choices, keep: KeepStack) -> None:
        super().__init__(scope, name)
        self.stream = kinesis.Stream(
            self,
            "Events",
            shard_count=choices.shards,
            retention_period=cdk.Duration.days(7),
            encryption=kinesis.StreamEncryption.MANAGED,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.refused = self._queue("Refused")
        self.given_up = self._queue("GivenUp")
        self.table = dynamodb.Table(
            self,
            "Profiles",
            partition_key=dynamodb.Attribute(name="user_id", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires",
            deletion_protection=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.functions = [self._profiles(choices)]
        if choices.tracking_id:
            self.functions.append(self._hot(choices))
        self.door = Door(self, "Door", choices, self.stream)
        self.forgetting = Forgetting(self, "Forgetting", choices, table=self.table, door=self.door)
        self.door.hand_out_keys(choices, self.forgetting.method)
        self.cold = ColdPath(self, "Cold", choices, self.stream, keep.bucket)
        self.serving: Serving | None = None
        if choices.has("serving"):
            self.serving = Serving(
                self, "Serving", choices, table=self.table, bucket=keep.bucket, door=self.door
            )
        tell(self, "Address", f"{self.door.api.url}events")
        tell(self, "KeyId", self.door.key.key_id)
        tell(self, "AdminKeyId", self.door.admin_key.key_id)
        tell(self, "ListenersPlan", self.door.listeners.usage_plan_id)
        tell(self, "Stream", self.stream.stream_name)
        tell(self, "RefusedQueue", self.refused.queue_url)
        tell(self, "GivenUpQueue", self.given_up.queue_url)

    def _queue(self, name: str) -> sqs.Queue:
        return sqs.Queue(
            self,
            name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
            visibility_timeout=cdk.Duration.minutes(5),
        )

    def _profiles(self, choices: Choices) -> lambda_.Function:
        made = function(
            self,
            "ProfilesFunction",
            choices,
            handler="segue.doors.aws.profiles.handler",
            environment={
                "SEGUE_PROFILE_TABLE": self.table.table_name,
                "SEGUE_DEAD_LETTERS": self.refused.queue_url,
                "SEGUE_EVENT_DAYS": str(choices.event_days),
            },
            memory=512,
        )
        made.add_to_role_policy(
            iam.PolicyStatement(
                actions=["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem"],
                resources=[self.table.table_arn],
            )
        )
        self._may_refuse(made)
        follow(
            made,
            self.stream,
            self.given_up,
            window=cdk.Duration.seconds(1),
            parallel=choices.parallel,
        )
        return made

    def _hot(self, choices: Choices) -> lambda_.Function:
        made = function(
            self,
            "HotFunction",
            choices,
            handler="segue.doors.aws.hot.handler",
            environment={
                "SEGUE_TRACKING_ID": choices.tracking_id,
                "SEGUE_DEAD_LETTERS": self.refused.queue_url,
            },
        )
        made.add_to_role_policy(
            iam.PolicyStatement(
                actions=["personalize:PutEvents"],
                resources=[
                    self.format_arn(
                        service="personalize", resource="event-tracker", resource_name="*"
                    )
                ],
            )
        )
        self._may_refuse(made)
        follow(
            made,
            self.stream,
            self.given_up,
            window=cdk.Duration.seconds(0),
            parallel=choices.parallel,
        )
        return made

    def _may_refuse(self, made: lambda_.Function) -> None:
        made.add_to_role_policy(
            iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[self.refused.queue_arn])
        )
