"""The image that functions run which need more than the package's code."""

from __future__ import annotations

from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from segue_aws.choices import Choices

__all__ = ["image_of"]


def image_of(scope: Construct, choices: Choices, *, handler: str) -> lambda_.DockerImageCode:
    """The image with the chosen tag, started with a handler.

    It lies in the repository that the part `delivery` makes, where building puts it.
    """
    images = ecr.Repository.from_repository_name(scope, "Images", choices.name)
    return lambda_.DockerImageCode.from_ecr(images, tag_or_digest=choices.image, cmd=[handler])
