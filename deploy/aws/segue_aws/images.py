"""The image that functions run which need more than the package's code."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from segue_aws.choices import Choices

__all__ = ["image_of"]

_HERE = "here"
_FILE = "deploy/aws/image/Dockerfile"
_IN_IMAGE = ("src", "requirements", "pyproject.toml", "README.md", "LICENSE", "deploy/aws/image")
_LEFT_OUT = ["**/__pycache__", "**/*.pyc", "**/*.dist-info", "src/segue/warehouse/dbt/target"]


def image_of(scope: Construct, choices: Choices, *, handler: str) -> lambda_.DockerImageCode:
    """The image with the chosen tag, started with a handler.

    It lies in the repository that the part `delivery` makes, where building puts it. "here" means
    that `cdk deploy` builds it with Docker; synthesis only takes a hash of what goes into it.
    """
    if choices.image == _HERE:
        return lambda_.DockerImageCode.from_image_asset(
            str(choices.source.parent),
            file=_FILE,
            platform=assets.Platform.LINUX_ARM64,
            cmd=[handler],
            exclude=["*", *(f"!{name}" for name in _IN_IMAGE), *_LEFT_OUT],
            ignore_mode=cdk.IgnoreMode.DOCKER,
        )
    images = ecr.Repository.from_repository_name(scope, "Images", choices.name)
    return lambda_.DockerImageCode.from_ecr(images, tag_or_digest=choices.image, cmd=[handler])
