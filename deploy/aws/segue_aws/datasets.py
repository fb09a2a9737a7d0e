"""The daily data sets of Personalize: a function, and a state machine that waits for imports."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as steps
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from segue_aws.choices import Choices
from segue_aws.functions import own_role
from segue_aws.images import image_of
from segue_aws.keep import KeepStack
from segue_aws.personalize import PersonalizeStack
from segue_aws.pipeline import PipelineStack
from segue_aws.told import tell

__all__ = ["DatasetsStack"]

_TEMPORARY = ["ServiceDownError", "UnreachableError", "BusyError"]
_MEMORY = 3_008
"""MB, which come with 1.7 processors. What is sorted goes to the disk where memory ends."""

_LONG_AGO = "2000-01-01"


class DatasetsStack(cdk.Stack):
    """Every night: EventBridge → Step Functions → the function, again and again until it is done.

    A function lives for a quarter of an hour, and imports may take longer: the state machine waits
    for nothing, and its executions show how far a run is. What is made lies in the ledger, so an
    execution that ends in between is gone on with by the next.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        choices: Choices,
        keep: KeepStack,
        personalize: PersonalizeStack,
        pipeline: PipelineStack,
    ) -> None:
        super().__init__(scope, name)
        lake = keep.bucket.bucket_name
        told = {
            "NAME": choices.name,
            "BUCKET": f"s3://{personalize.bucket.bucket_name}/{choices.name}",
            "ROLE_ARN": personalize.role.role_arn,
            "EVENTS": f"s3://{lake}/events",
            "LEDGER": f"s3://{lake}/datasets",
            "CATALOGUE": f"s3://{lake}/{choices.published}",
            "PROFILES": pipeline.table.table_name,
            "EVENT_DAYS": str(choices.glacier_days),
        }
        if choices.tracking_id or choices.told_since:
            told["TOLD_SINCE"] = choices.told_since or _LONG_AGO
        log, role = own_role(self, "Function")
        self.function = lambda_.DockerImageFunction(
            self,
            "Function",
            code=image_of(self, choices, handler="segue.doors.aws.datasets.handler"),
            architecture=lambda_.Architecture.ARM_64,
            environment={
                **{f"SEGUE_PERSONALIZE__{word}": value for word, value in told.items()},
                "SEGUE_HOME": "/tmp/segue",  # noqa: S108 - a function may write nowhere else
                "SEGUE_MEMORY_LIMIT": f"{_MEMORY * 5 // 8}MB",
            },
            memory_size=_MEMORY,
            ephemeral_storage_size=cdk.Size.gibibytes(10),
            timeout=cdk.Duration.minutes(15),
            log_group=log,
            logging_format=lambda_.LoggingFormat.JSON,
            role=role,
        )
        self._may(choices, keep, personalize, pipeline)
        self.machine = self._machine()
        events.Rule(
            self,
            "Daily",
            schedule=events.Schedule.expression(choices.datasets_when),
            targets=[
                targets.SfnStateMachine(
                    self.machine,
                    input=events.RuleTargetInput.from_object({}),
                    role=self._starter(),
                )
            ],
        )
        tell(self, "StateMachine", self.machine.state_machine_arn)

    def _machine(self) -> steps.StateMachine:
        """Ask, wait, ask again."""
        step = tasks.LambdaInvoke(
            self,
            "Step",
            lambda_function=self.function,
            payload_response_only=True,
            retry_on_service_exceptions=True,
        )
        step.add_retry(
            errors=_TEMPORARY,
            interval=cdk.Duration.seconds(60),
            max_attempts=5,
            backoff_rate=2,
        )
        waiting = steps.Wait(self, "Wait", time=steps.WaitTime.seconds_path("$.wait_seconds")).next(
            step
        )
        state = steps.Condition.string_equals
        step.next(
            steps.Choice(self, "Next")
            .when(state("$.state", "done"), steps.Succeed(self, "Done"))
            .when(state("$.state", "waiting"), waiting)
            .otherwise(step)
        )
        role = iam.Role(
            self, "MachineRole", assumed_by=iam.ServicePrincipal("states.amazonaws.com")
        )
        return steps.StateMachine(
            self,
            "Machine",
            definition_body=steps.DefinitionBody.from_chainable(step),
            role=role,
            timeout=cdk.Duration.hours(20),
        )

    def _starter(self) -> iam.Role:
        return iam.Role(
            self, "StarterRole", assumed_by=iam.ServicePrincipal("events.amazonaws.com")
        )

    def _may(
        self,
        choices: Choices,
        keep: KeepStack,
        personalize: PersonalizeStack,
        pipeline: PipelineStack,
    ) -> None:
        lake, sets = keep.bucket, personalize.bucket
        _allow(
            self.function,
            ["s3:GetObject"],
            *(lake.arn_for_objects(f"{one}/*") for one in ("events", "datasets")),
            lake.arn_for_objects(f"{choices.published}/*"),
        )
        _allow(self.function, ["s3:PutObject"], lake.arn_for_objects("datasets/*"))
        _allow(self.function, ["s3:DeleteObject"], lake.arn_for_objects("datasets/lease.json"))
        _allow(self.function, ["s3:ListBucket"], lake.bucket_arn)
        _allow(self.function, ["s3:PutObject"], sets.arn_for_objects(f"{choices.name}/*"))
        _allow(self.function, ["dynamodb:BatchGetItem"], pipeline.table.table_arn)
        self._may_import(choices, personalize)

    def _may_import(self, choices: Choices, personalize: PersonalizeStack) -> None:
        def arn(kind: str, name: str) -> str:
            return self.format_arn(service="personalize", resource=kind, resource_name=name)

        _allow(
            self.function,
            ["personalize:CreateDatasetImportJob", "personalize:DescribeDatasetImportJob"],
            arn("dataset-import-job", f"{choices.name}-*"),
            arn("dataset", f"{choices.name}/*"),
        )
        _allow(
            self.function,
            ["personalize:DescribeDatasetGroup"],
            arn("dataset-group", choices.name),
        )
        # lists are of everything in an account: IAM knows no narrower resource for them
        _allow(
            self.function,
            [
                "personalize:ListDatasetGroups",
                "personalize:ListDatasetImportJobs",
                "personalize:ListDatasets",
            ],
            "*",
        )
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[personalize.role.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "personalize.amazonaws.com"}},
            )
        )


def _allow(function: lambda_.Function, actions: list[str], *resources: str) -> None:
    function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=list(resources)))
