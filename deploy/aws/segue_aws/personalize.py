"""What Amazon Personalize needs to read data sets; the rest is `segue personalize`."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from segue_aws.choices import Choices
from segue_aws.keep import KeepStack
from segue_aws.told import tell

__all__ = ["PersonalizeStack"]


class PersonalizeStack(cdk.Stack):
    """A role, and a bucket's policy: nothing that costs anything by being there."""

    def __init__(self, scope: Construct, name: str, choices: Choices, keep: KeepStack) -> None:
        super().__init__(scope, name)
        mine = {"StringEquals": {"aws:SourceAccount": self.account}}
        personalize = iam.ServicePrincipal("personalize.amazonaws.com")
        self.role = role = iam.Role(self, "Role", assumed_by=personalize.with_conditions(mine))
        self.bucket = bucket = s3.Bucket(
            self,
            "DataSets",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=True,
            server_access_logs_bucket=keep.bucket,
            server_access_logs_prefix="access/personalize/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(60),
                    noncurrent_version_expiration=cdk.Duration.days(7),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                )
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        for principal, conditions in ((personalize, mine), (role, None)):
            statement = iam.PolicyStatement(
                actions=["s3:GetObject", "s3:ListBucket"],
                resources=[bucket.bucket_arn, bucket.arn_for_objects("*")],
                **({"principals": [principal], "conditions": conditions} if conditions else {}),
            )
            if conditions:
                bucket.add_to_resource_policy(statement)
            else:
                role.add_to_policy(statement)
        tell(self, "RoleArn", role.role_arn)
        tell(self, "Bucket", f"s3://{bucket.bucket_name}/{choices.name}")
