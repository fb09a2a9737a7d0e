"""What the functions of one listener share: their sign-in, their variables, who hears of them."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from segue_aws.choices import Choices
from segue_aws.functions import own_role
from segue_aws.images import image_of
from segue_aws.keep import KeepStack
from segue_aws.told import tell

__all__ = ["PersonalStack", "Scheduled"]


class PersonalStack(cdk.Stack):
    """Secrets and a topic. The secrets are made empty, and stay when the stack goes."""

    def __init__(self, scope: Construct, name: str, choices: Choices) -> None:
        super().__init__(scope, name)
        self.sign_in = self._secret("SignIn", f"{choices.name}/spotify/{choices.user}")
        self.variables = (
            self._secret("Variables", f"{choices.name}/variables") if choices.variables else None
        )
        key = kms.Alias.from_alias_name(self, "SnsKey", "alias/aws/sns")
        self.topic = sns.Topic(self, "News", master_key=key, enforce_ssl=True)
        # CloudWatch may not use AWS's key for SNS, so alarms have a topic of their own.
        self.alarms = sns.Topic(self, "Alarms", enforce_ssl=True)
        if choices.mail:
            for topic in (self.topic, self.alarms):
                topic.add_subscription(subscriptions.EmailSubscription(choices.mail))
        tell(self, "SignInSecret", self.sign_in.secret_name)
        if self.variables is not None:
            tell(self, "VariablesSecret", self.variables.secret_name)
        tell(self, "Topic", self.topic.topic_arn)

    def _secret(self, name: str, called: str) -> secretsmanager.Secret:
        return secretsmanager.Secret(
            self,
            name,
            secret_name=called,
            secret_string_value=cdk.SecretValue.unsafe_plain_text("{}"),
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )


class Scheduled(Construct):
    """A function of the image that runs on a schedule, with a place of its own on S3.

    What EventBridge cannot deliver, and what Lambda gives up after three attempts, goes to a
    queue; an alarm tells of either.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        choices: Choices,
        keep: KeepStack,
        personal: PersonalStack,
        *,
        handler: str,
        when: str,
        environment: dict[str, str],
        memory: int,
        timeout: cdk.Duration,
        storage: int = 512,
        compacts: bool = False,
        topic: bool = False,
    ) -> None:
        super().__init__(scope, name)
        part = name.lower()
        self.given_up = sqs.Queue(
            self,
            "GivenUp",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        bucket = keep.bucket
        shared = {
            "SEGUE_USER_ID": choices.user,
            "SEGUE_TIME_ZONE": choices.time_zone,
            "SEGUE_LAKE": f"s3://{bucket.bucket_name}/lake",
            "SEGUE_STATE": f"s3://{bucket.bucket_name}/homes/{part}",
            "SEGUE_SECRETS__PREFIX": choices.name,
        }
        if personal.variables is not None:
            shared["SEGUE_VARIABLES"] = personal.variables.secret_name
        log, role = own_role(self, "Function")
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            code=image_of(self, choices, handler=handler),
            architecture=lambda_.Architecture.ARM_64,
            environment={**shared, **environment},
            memory_size=memory,
            ephemeral_storage_size=cdk.Size.mebibytes(storage),
            timeout=timeout,
            log_group=log,
            logging_format=lambda_.LoggingFormat.JSON,
            role=role,
            retry_attempts=2,
            max_event_age=cdk.Duration.hours(6),
            dead_letter_queue=self.given_up,
        )
        self._may_use_bucket(f"homes/{part}/*", compacts=compacts, keep=keep)
        self._may_use_secrets(choices, personal)
        if topic:
            self._may(["sns:Publish"], personal.topic.topic_arn)
        self._on_schedule(when, choices)
        self._watched(personal)

    def _may(self, actions: list[str], *resources: str) -> None:
        self.function.add_to_role_policy(
            iam.PolicyStatement(actions=actions, resources=list(resources))
        )

    def _may_use_bucket(self, own: str, *, compacts: bool, keep: KeepStack) -> None:
        """Files of the lake may be read and added; removed only by who puts them together."""
        bucket = keep.bucket
        lake, mine = bucket.arn_for_objects("lake/*"), bucket.arn_for_objects(own)
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": ["lake/*", own]}},
            )
        )
        self._may(["s3:GetObject", "s3:PutObject"], lake, mine)
        self._may(["s3:DeleteObject"], *([lake, mine] if compacts else [mine]))

    def _may_use_secrets(self, choices: Choices, personal: PersonalStack) -> None:
        ours = cdk.Stack.of(self).format_arn(
            service="secretsmanager",
            resource="secret",
            resource_name=f"{choices.name}/*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        self._may(["secretsmanager:GetSecretValue"], ours)
        self._may(
            ["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"],
            personal.sign_in.secret_arn,
        )

    def _on_schedule(self, when: str, choices: Choices) -> None:
        role = iam.Role(
            self,
            "ScheduleRole",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}}
            ),
        )
        arn = self.function.function_arn
        for action, resource in (
            ("lambda:InvokeFunction", arn),
            ("sqs:SendMessage", self.given_up.queue_arn),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
        made = scheduler.CfnSchedule
        schedule = made(
            self,
            "Schedule",
            schedule_expression=when,
            schedule_expression_timezone=choices.time_zone,
            flexible_time_window=made.FlexibleTimeWindowProperty(mode="OFF"),
            target=made.TargetProperty(
                arn=arn,
                role_arn=role.role_arn,
                input="{}",
                retry_policy=made.RetryPolicyProperty(
                    maximum_retry_attempts=10, maximum_event_age_in_seconds=6 * 3600
                ),
                dead_letter_config=made.DeadLetterConfigProperty(arn=self.given_up.queue_arn),
            ),
        )
        schedule.node.add_dependency(role.node.find_child("DefaultPolicy"))

    def _watched(self, personal: PersonalStack) -> None:
        """The first fault may pass: only what was given up is told."""
        depth = self.given_up.metric_approximate_number_of_messages_visible(
            period=cdk.Duration.minutes(5), statistic="Maximum"
        )
        alarm = cloudwatch.Alarm(
            self,
            "GaveUp",
            metric=depth,
            threshold=0,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"{self.node.id}: an invocation failed three times",
        )
        alarm.add_alarm_action(actions.SnsAction(personal.alarms))
