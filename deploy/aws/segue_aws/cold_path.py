"""Every event as Parquet on S3 by day, and tables and queries over them."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from segue_aws.choices import Choices

__all__ = ["COLUMNS", "QUERIES", "ColdPath"]

COLUMNS = (
    ("event_id", "string"),
    ("user_id", "string"),
    ("track_id", "string"),
    ("event_type", "string"),
    ("timestamp", "string"),
    ("ms_played", "bigint"),
    ("session_id", "string"),
    ("recommendation_id", "string"),
    ("source", "string"),
    ("context", "string"),
)
QUERIES = {
    "plays-by-day": (
        "SELECT day, count(DISTINCT event_id) AS plays, count(DISTINCT user_id) AS users\n"
        "FROM events WHERE event_type = 'play'\n"
        "AND day >= date_format(current_date - interval '30' day, '%Y-%m-%d')\n"
        "GROUP BY day ORDER BY day"
    ),
    "top-tracks-of-the-week": (
        "SELECT track_id, count(DISTINCT event_id) AS finished, count(DISTINCT user_id) AS users\n"
        "FROM events WHERE event_type = 'complete'\n"
        "AND day >= date_format(current_date - interval '7' day, '%Y-%m-%d')\n"
        "GROUP BY track_id ORDER BY finished DESC LIMIT 100"
    ),
    "what-became-of-recommendations": (
        "SELECT recommendation_id,\n"
        "count_if(event_type = 'complete') AS finished, count_if(event_type = 'skip') AS skipped\n"
        "FROM (SELECT DISTINCT event_id, recommendation_id, event_type, day FROM events)\n"
        "WHERE recommendation_id IS NOT NULL\n"
        "AND day >= date_format(current_date - interval '7' day, '%Y-%m-%d')\n"
        "GROUP BY recommendation_id ORDER BY finished DESC LIMIT 1000"
    ),
}
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"


class ColdPath(Construct):
    """Kinesis → Firehose → S3 → Glue → Athena."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        choices: Choices,
        stream: kinesis.Stream,
        bucket: s3.IBucket,
    ) -> None:
        super().__init__(scope, name)
        stack = cdk.Stack.of(self)
        database = choices.name.replace("-", "_")
        catalogue = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=stack.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(name=database),
        )
        table = self._table(database, bucket)
        table.add_resource_dependency(catalogue)
        self._delivery(choices, stream, bucket, database).add_resource_dependency(table)
        self._queries(choices, bucket, database)

    def _table(self, database: str, bucket: s3.IBucket) -> glue.CfnTable:
        column = glue.CfnTable.ColumnProperty
        place = f"s3://{bucket.bucket_name}/events/"
        return glue.CfnTable(
            self,
            "Table",
            catalog_id=cdk.Stack.of(self).account,
            database_name=database,
            table_input=glue.CfnTable.TableInputProperty(
                name="events",
                table_type="EXTERNAL_TABLE",
                parameters={
                    "classification": "parquet",
                    "projection.enabled": "true",
                    "projection.day.type": "date",
                    "projection.day.format": "yyyy-MM-dd",
                    "projection.day.range": "2026-01-01,NOW",
                    "projection.day.interval": "1",
                    "projection.day.interval.unit": "DAYS",
                    "storage.location.template": f"{place}day=${{day}}/",
                },
                partition_keys=[column(name="day", type="string")],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[column(name=name, type=kind) for name, kind in COLUMNS],
                    location=place,
                    input_format=f"{_PARQUET}.MapredParquetInputFormat",
                    output_format=f"{_PARQUET}.MapredParquetOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library=f"{_PARQUET}.serde.ParquetHiveSerDe"
                    ),
                ),
            ),
        )

    def _delivery(
        self, choices: Choices, stream: kinesis.Stream, bucket: s3.IBucket, database: str
    ) -> firehose.CfnDeliveryStream:
        stack = cdk.Stack.of(self)
        log = logs.LogGroup(
            self,
            "Log",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        said = logs.LogStream(self, "LogStream", log_group=log)
        role = self._role(stream, bucket, database, log)
        delivery = firehose.CfnDeliveryStream
        made = delivery(
            self,
            "Delivery",
            delivery_stream_type="KinesisStreamAsSource",
            kinesis_stream_source_configuration=delivery.KinesisStreamSourceConfigurationProperty(
                kinesis_stream_arn=stream.stream_arn, role_arn=role.role_arn
            ),
            extended_s3_destination_configuration=delivery.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=bucket.bucket_arn,
                role_arn=role.role_arn,
                prefix="events/day=!{timestamp:yyyy-MM-dd}/",
                error_output_prefix="events-failed/!{firehose:error-output-type}/"
                "day=!{timestamp:yyyy-MM-dd}/",
                buffering_hints=delivery.BufferingHintsProperty(
                    interval_in_seconds=300, size_in_m_bs=128
                ),
                compression_format="UNCOMPRESSED",  # Parquet compresses by itself
                cloud_watch_logging_options=delivery.CloudWatchLoggingOptionsProperty(
                    enabled=True,
                    log_group_name=log.log_group_name,
                    log_stream_name=said.log_stream_name,
                ),
                data_format_conversion_configuration=delivery.DataFormatConversionConfigurationProperty(
                    enabled=True,
                    input_format_configuration=delivery.InputFormatConfigurationProperty(
                        deserializer=delivery.DeserializerProperty(
                            open_x_json_ser_de=delivery.OpenXJsonSerDeProperty()
                        )
                    ),
                    output_format_configuration=delivery.OutputFormatConfigurationProperty(
                        serializer=delivery.SerializerProperty(
                            parquet_ser_de=delivery.ParquetSerDeProperty(compression="SNAPPY")
                        )
                    ),
                    schema_configuration=delivery.SchemaConfigurationProperty(
                        database_name=database,
                        table_name="events",
                        region=stack.region,
                        role_arn=role.role_arn,
                        version_id="LATEST",
                    ),
                ),
            ),
        )
        made.node.add_dependency(role.node.find_child("DefaultPolicy"))
        return made

    def _role(
        self, stream: kinesis.Stream, bucket: s3.IBucket, database: str, log: logs.LogGroup
    ) -> iam.Role:
        stack = cdk.Stack.of(self)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("firehose.amazonaws.com"))

        def may(actions: list[str], *resources: str) -> None:
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=list(resources)))

        may(
            ["kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator",
             "kinesis:ListShards"],
            stream.stream_arn,
        )  # fmt: skip
        may(["s3:AbortMultipartUpload", "s3:PutObject"], bucket.arn_for_objects("events/*"),
            bucket.arn_for_objects("events-failed/*"))  # fmt: skip
        may(["s3:GetBucketLocation", "s3:ListBucket"], bucket.bucket_arn)
        may(
            ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
            stack.format_arn(service="glue", resource="catalog"),
            stack.format_arn(service="glue", resource="database", resource_name=database),
            stack.format_arn(service="glue", resource="table", resource_name=f"{database}/events"),
        )
        may(["logs:PutLogEvents"], log.log_group_arn)
        return role

    def _queries(self, choices: Choices, bucket: s3.IBucket, database: str) -> None:
        group = athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=choices.name,
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                bytes_scanned_cutoff_per_query=100 * 1024**3,
                publish_cloud_watch_metrics_enabled=True,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{bucket.bucket_name}/queries/",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_S3"
                    ),
                ),
            ),
        )
        for name, sql in QUERIES.items():
            query = athena.CfnNamedQuery(
                self,
                name.title().replace("-", ""),
                database=database,
                name=f"{choices.name}-{name}",
                query_string=sql,
                work_group=choices.name,
            )
            query.add_resource_dependency(group)
