"""How a change comes to AWS: images, what builds them, and who may deploy without keeping a key."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from segue_aws.choices import Choices
from segue_aws.told import tell

__all__ = ["DeliveryStack"]

_GITHUB = "token.actions.githubusercontent.com"
_BUILDSPEC = "deploy/aws/buildspec.yml"
_QUALIFIER = "hnb659fds"
"""Of the CDK's bootstrap, unless somebody chose another."""

_BOOTSTRAP = ("deploy-role", "file-publishing-role", "image-publishing-role", "lookup-role")


class DeliveryStack(cdk.Stack):
    """A repository of images, a CodeBuild project, and a role for GitHub Actions.

    Both build, test, push and deploy the same way. Neither has rights of its own beyond pushing
    images and taking on the roles that `cdk bootstrap` made.
    """

    def __init__(self, scope: Construct, name: str, choices: Choices) -> None:
        super().__init__(scope, name)
        self.images = self._repository(choices)
        if choices.repository:
            role = self._for_github(choices)
            self._may_deliver(role)
            tell(self, "GitHubRoleArn", role.role_arn)
            self._may_deliver(self._project(choices))
        tell(self, "ImagesAddress", self.images.repository_uri)

    def _repository(self, choices: Choices) -> ecr.Repository:
        images = ecr.Repository(
            self,
            "Images",
            repository_name=choices.name,
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.KMS,
            removal_policy=cdk.RemovalPolicy.RETAIN,
            lifecycle_rules=[
                ecr.LifecycleRule(
                    description="what has no tag was never finished",
                    tag_status=ecr.TagStatus.UNTAGGED,
                    max_image_age=cdk.Duration.days(7),
                    rule_priority=1,
                ),
                ecr.LifecycleRule(
                    description="enough to go back to", max_image_count=20, rule_priority=2
                ),
            ],
        )
        images.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[
                    iam.ServicePrincipal(
                        "lambda.amazonaws.com",
                        conditions={"StringEquals": {"aws:SourceAccount": self.account}},
                    )
                ],
                actions=["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            )
        )
        return images

    def _for_github(self, choices: Choices) -> iam.Role:
        """A role that GitHub's workflow takes on with a token of the moment.

        Only a run for the chosen environment of the chosen repository gets one: a fork, a pull
        request or another repository is named differently in the token.
        """
        provider = iam.CfnOIDCProvider(
            self, "GitHub", url=f"https://{_GITHUB}", client_id_list=["sts.amazonaws.com"]
        )
        subject = f"repo:{choices.repository}:environment:{choices.environment}"
        return iam.Role(
            self,
            "GitHubRole",
            assumed_by=iam.WebIdentityPrincipal(
                provider.attr_arn,
                {
                    "StringEquals": {
                        f"{_GITHUB}:aud": "sts.amazonaws.com",
                        f"{_GITHUB}:sub": subject,
                    }
                },
            ),
            max_session_duration=cdk.Duration.hours(1),
        )

    def _project(self, choices: Choices) -> iam.Role:
        log = logs.LogGroup(
            self,
            "Log",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "BuildRole",
            assumed_by=iam.ServicePrincipal(
                "codebuild.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            ),
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[log.log_group_arn],
            )
        )
        kind = codebuild.CfnProject
        made = kind(
            self,
            "Build",
            name=choices.name,
            service_role=role.role_arn,
            source=kind.SourceProperty(
                type="GITHUB",
                location=f"https://github.com/{choices.repository}.git",
                build_spec=_BUILDSPEC,
                git_clone_depth=1,
            ),
            source_version=choices.branch,
            artifacts=kind.ArtifactsProperty(type="NO_ARTIFACTS"),
            environment=kind.EnvironmentProperty(
                type="ARM_CONTAINER",
                compute_type="BUILD_GENERAL1_LARGE",
                image="aws/codebuild/amazonlinux-aarch64-standard:3.0",
                privileged_mode=True,  # building an image needs it
                environment_variables=[
                    kind.EnvironmentVariableProperty(
                        name="IMAGES", value=self.images.repository_uri
                    ),
                    kind.EnvironmentVariableProperty(name="DEPLOY_ARGS", value=choices.deploy_args),
                ],
            ),
            logs_config=kind.LogsConfigProperty(
                cloud_watch_logs=kind.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=log.log_group_name
                )
            ),
            encryption_key=f"arn:{self.partition}:kms:{self.region}:{self.account}:alias/aws/s3",
            timeout_in_minutes=60,
            concurrent_build_limit=1,
        )
        made.node.add_dependency(role)
        return role

    def _may_deliver(self, role: iam.Role) -> None:
        role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:CompleteLayerUpload",
                    "ecr:DescribeImages",
                    "ecr:GetDownloadUrlForLayer",
                    "ecr:InitiateLayerUpload",
                    "ecr:PutImage",
                    "ecr:UploadLayerPart",
                ],
                resources=[self.images.repository_arn],
            )
        )
        role.add_to_policy(
            # a token for all of ECR: AWS knows no narrower resource for it
            iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"])
        )
        names = (f"cdk-{_QUALIFIER}-{one}-{self.account}-{self.region}" for one in _BOOTSTRAP)
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                resources=[
                    self.format_arn(service="iam", region="", resource="role", resource_name=one)
                    for one in names
                ],
            )
        )
