"""What a stack tells when it is up: a name, a value, and what to do with it."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

__all__ = ["tell"]

_MEANING = {
    "Address": "POST events here, with an API key in the header x-api-key.",
    "AdminKeyId": "Of the API key that may forget users: aws apigateway get-api-key "
    "--include-value --api-key ID.",
    "Bucket": "Set personalize.bucket to this.",
    "Function": "Start it by hand with aws lambda invoke.",
    "GitHubRoleArn": "Set the variable AWS_ROLE_ARN of the repository to this.",
    "GivenUpQueue": "What failed too often; of events: segue aws redrive --queue URL.",
    "ImagesAddress": "Set the variable AWS_IMAGES of the repository to this.",
    "KeyId": "Of the API key of an app: aws apigateway get-api-key --include-value --api-key ID.",
    "Lake": "Set SEGUE_LAKE to this, on your own computer too.",
    "ListenersPlan": "The usage plan for keys of single users, with the tag segue:user.",
    "RefusedQueue": "Events that were refused, with the reason: segue aws redrive --queue URL.",
    "RoleArn": "Set personalize.role_arn to this.",
    "SignInSecret": "Filled by SEGUE_SECRETS__STORE=aws segue spotify login.",
    "StateMachine": "Makes the daily data sets; start it by hand with the input {}.",
    "Stream": "Where events go again: segue aws redrive --stream NAME.",
    "Topic": "Tells of playlists that were made.",
    "VariablesSecret": "Further variables of functions, as a JSON object.",
}


def tell(stack: Construct, name: str, value: str) -> None:
    """Have a stack tell a value when it is up."""
    cdk.CfnOutput(stack, name, value=value, description=_MEANING[name])
