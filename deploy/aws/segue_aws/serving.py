"""Recommendations from a function, behind the API that takes events."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from segue_aws.choices import Choices
from segue_aws.door import Door
from segue_aws.functions import own_role
from segue_aws.images import image_of

__all__ = ["Serving"]

_MEMORY = 3_008
"""MB, which come with 1.7 processors: a request uses one, and what newer models are fetched with
the rest. Models are mapped from the disk, so what they hold beyond this costs time, not failure."""

_STORAGE = 6_144
"""MB for the models that answer and the next ones beside them: twice 2.1 GB at a million tracks."""

_SECONDS = 29
"""API Gateway waits no longer."""

ROUTES = {
    "recommendations": ("GET",),
    "recommend/{what+}": ("GET", "POST"),
    "users/{user_id+}": ("GET",),
    "tracks/{what+}": ("GET",),
}


class Serving(Construct):
    """A function that reads models from the bucket and what users did from the table."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        choices: Choices,
        *,
        table: dynamodb.Table,
        bucket: s3.IBucket,
        door: Door,
    ) -> None:
        super().__init__(scope, name)
        log, role = own_role(self, "Serve")
        self.function = lambda_.DockerImageFunction(
            self,
            "Serve",
            code=image_of(self, choices, handler="segue.doors.aws.serve.handler"),
            architecture=lambda_.Architecture.ARM_64,
            environment={
                "SEGUE_PUBLISHED": f"s3://{bucket.bucket_name}/{choices.published}",
                "SEGUE_PROFILE_TABLE": table.table_name,
                "SEGUE_EVENT_DAYS": str(choices.event_days),
            },
            memory_size=_MEMORY,
            ephemeral_storage_size=cdk.Size.mebibytes(_STORAGE),
            timeout=cdk.Duration.seconds(_SECONDS),
            log_group=log,
            logging_format=lambda_.LoggingFormat.JSON,
            role=role,
        )
        self._may(choices, table, bucket)
        integration = apigateway.LambdaIntegration(self._asked(choices), allow_test_invoke=False)
        for path, methods in ROUTES.items():
            resource = door.api.root.resource_for_path(path)
            for method in methods:
                resource.add_method(method, integration, api_key_required=True)

    def _asked(self, choices: Choices) -> lambda_.IFunction:
        """What the API calls: kept warm where that is chosen, which costs by the hour."""
        if not choices.warm:
            return self.function
        return lambda_.Alias(
            self,
            "Live",
            alias_name="live",
            version=self.function.current_version,
            provisioned_concurrent_executions=choices.warm,
        )

    def _may(self, choices: Choices, table: dynamodb.Table, bucket: s3.IBucket) -> None:
        stack = cdk.Stack.of(self)
        keys = stack.format_arn(
            service="apigateway", account="", resource="/apikeys", resource_name="*"
        )
        for actions, resource in (
            (["dynamodb:GetItem", "dynamodb:Query"], table.table_arn),
            (["s3:GetObject"], bucket.arn_for_objects(f"{choices.published}/*")),
            (["apigateway:GET"], keys),
        ):
            self.function.add_to_role_policy(
                iam.PolicyStatement(actions=actions, resources=[resource])
            )
