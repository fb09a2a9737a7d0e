"""Functions that run the package's own handlers, each under a role of its own."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from segue_aws.choices import Choices

__all__ = ["follow", "function", "own_role"]

_LEFT_OUT = ["**/__pycache__", "**/*.pyc", "**/*.dist-info", "segue/warehouse/dbt/target"]


def own_role(scope: Construct, name: str) -> tuple[logs.LogGroup, iam.Role]:
    """A log, and a role that may write to it and nothing else."""
    log = logs.LogGroup(
        scope,
        f"{name}Log",
        retention=logs.RetentionDays.ONE_MONTH,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    role = iam.Role(scope, f"{name}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[log.log_group_arn],
        )
    )
    return log, role


def function(
    scope: Construct,
    name: str,
    choices: Choices,
    *,
    handler: str,
    environment: Mapping[str, str],
    memory: int = 256,
    timeout: cdk.Duration | None = None,
) -> lambda_.Function:
    """A function of the package's code alone: what it imports must come with the runtime.

    Its role may write to its own log and nothing else until it is told.
    """
    log, role = own_role(scope, name)
    return lambda_.Function(
        scope,
        name,
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        code=lambda_.Code.from_asset(str(choices.source), exclude=_LEFT_OUT),
        handler=handler,
        environment=dict(environment),
        memory_size=memory,
        timeout=timeout or cdk.Duration.seconds(60),
        log_group=log,
        logging_format=lambda_.LoggingFormat.JSON,
        role=role,
    )


def follow(
    of: lambda_.Function,
    stream: kinesis.Stream,
    given_up: sqs.Queue,
    *,
    window: cdk.Duration,
    parallel: int,
) -> lambda_.EventSourceMapping:
    """Let a function take what comes into a stream.

    A batch that fails is halved until the record at fault stands alone; what fails for a day goes
    to a queue, and the rest flows. Events of one user are never in two batches at once, however
    many run in parallel.
    """
    of.add_to_role_policy(
        iam.PolicyStatement(
            actions=[
                "kinesis:DescribeStream",
                "kinesis:DescribeStreamSummary",
                "kinesis:GetRecords",
                "kinesis:GetShardIterator",
                "kinesis:ListShards",
            ],
            resources=[stream.stream_arn],
        )
    )
    of.add_to_role_policy(
        iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[given_up.queue_arn])
    )
    return lambda_.EventSourceMapping(
        of,
        "Follows",
        target=of,
        event_source_arn=stream.stream_arn,
        starting_position=lambda_.StartingPosition.TRIM_HORIZON,
        batch_size=500,
        max_batching_window=window,
        parallelization_factor=parallel,
        bisect_batch_on_error=True,
        report_batch_item_failures=True,
        retry_attempts=50,
        max_record_age=cdk.Duration.hours(24),
        on_failure=_Queue(given_up),
    )


@jsii.implements(lambda_.IEventSourceDlq)
class _Queue:
    """A queue for batches that were given up; who may write to it is said elsewhere."""

    def __init__(self, queue: sqs.Queue) -> None:
        self._queue = queue

    def bind(
        self, target: lambda_.IEventSourceMapping, target_handler: lambda_.IFunction
    ) -> lambda_.DlqDestinationConfig:
        """Where batches go."""
        return lambda_.DlqDestinationConfig(destination=self._queue.queue_arn)
