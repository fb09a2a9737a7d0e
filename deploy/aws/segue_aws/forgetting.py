"""`DELETE /users/{user_id}` behind the API: who asks for it needs a key of its own."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from segue_aws.choices import Choices
from segue_aws.door import Door
from segue_aws.functions import function

__all__ = ["Forgetting"]

_SECONDS = 29
"""API Gateway waits no longer."""


class Forgetting(Construct):
    """A function that removes a user's keys, events and profile, and may do nothing else."""

    def __init__(
        self, scope: Construct, name: str, choices: Choices, *, table: dynamodb.Table, door: Door
    ) -> None:
        super().__init__(scope, name)
        self.function = function(
            self,
            "Users",
            choices,
            handler="segue.doors.aws.users.handler",
            environment={
                "SEGUE_PROFILE_TABLE": table.table_name,
                "SEGUE_EVENT_DAYS": str(choices.event_days),
            },
            timeout=cdk.Duration.seconds(_SECONDS),
        )
        self._may(table)
        self.method = door.api.root.resource_for_path("users/{user_id+}").add_method(
            "DELETE",
            apigateway.LambdaIntegration(self.function, allow_test_invoke=False),
            api_key_required=True,
        )

    def _may(self, table: dynamodb.Table) -> None:
        def keys(name: str) -> str:
            return cdk.Stack.of(self).format_arn(
                service="apigateway",
                account="",
                resource=name,
                arn_format=cdk.ArnFormat.NO_RESOURCE_NAME,
            )

        for actions, resources in (
            (
                [
                    "dynamodb:BatchWriteItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
                [table.table_arn],
            ),
            (["apigateway:GET"], [keys("/apikeys"), keys("/apikeys/*")]),
            (["apigateway:DELETE"], [keys("/apikeys/*")]),
        ):
            self.function.add_to_role_policy(
                iam.PolicyStatement(actions=actions, resources=resources)
            )
