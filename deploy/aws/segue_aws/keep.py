"""What is kept: a private bucket for the lake, raw events, queries and data sets."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from segue_aws.choices import Choices
from segue_aws.told import tell

__all__ = ["KeepStack"]


class KeepStack(cdk.Stack):
    """Stays when other stacks go: `cdk destroy` leaves the bucket and what is in it."""

    def __init__(self, scope: Construct, name: str, choices: Choices) -> None:
        super().__init__(scope, name)
        logs = s3.Bucket(
            self,
            "AccessLogs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(90),
                    noncurrent_version_expiration=cdk.Duration.days(7),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                )
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            server_access_logs_bucket=logs,
            lifecycle_rules=[
                s3.LifecycleRule(
                    prefix="events/",
                    transitions=[
                        s3.Transition(
                            storage_class=s3.StorageClass.GLACIER,
                            transition_after=cdk.Duration.days(choices.glacier_days),
                        )
                    ],
                ),
                # an event that comes again later than this counts again in data sets
                s3.LifecycleRule(prefix="datasets/ids/", expiration=cdk.Duration.days(180)),
                s3.LifecycleRule(prefix="queries/", expiration=cdk.Duration.days(30)),
                s3.LifecycleRule(
                    noncurrent_version_expiration=cdk.Duration.days(30),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                ),
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        tell(self, "Lake", f"s3://{self.bucket.bucket_name}/lake")
