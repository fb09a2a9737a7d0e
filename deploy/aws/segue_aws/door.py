"""`POST /events` straight into Kinesis: no code of ours stands between a player and the stream."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_logs as logs
from constructs import Construct

from segue_aws.choices import Choices

__all__ = ["Door", "into_stream", "told_back"]

_MOST = 500
_TEXT = {"type": "string", "minLength": 1, "maxLength": 200}


def into_stream(stream: str) -> str:
    """The mapping of a body to PutRecords: one record an event, its user the partition key."""
    return f"""#set($many = $input.path('$.events'))
#if($many.size() > 0)
{{"StreamName": "{stream}", "Records": [
#foreach($one in $many)
{{"Data": "$util.base64Encode($input.json("$.events[$foreach.index]"))",
"PartitionKey": "$util.escapeJavaScript($one.user_id)"}}#if($foreach.hasNext),#end
#end
]}}
#else
{{"StreamName": "{stream}", "Records": [
{{"Data": "$util.base64Encode($input.json('$'))",
"PartitionKey": "$util.escapeJavaScript($input.path('$.user_id'))"}}
]}}
#end"""


def told_back() -> str:
    """What is answered: 503 where a shard refused a record, so that the client sends all again.

    Sending again does no harm: events are known by their ids.
    """
    return """#set($failed = $input.path('$.FailedRecordCount'))
#if($failed > 0)
#set($context.responseOverride.status = 503)
#set($context.responseOverride.header.Retry-After = "1")
{"title": "Too many events at the moment; send them again.", "status": 503}
#else
{"accepted": $input.path('$.Records').size()}
#end"""


class Door(Construct):
    """The API: keys, throttling, and bodies that are looked at before anything is called."""

    def __init__(
        self, scope: Construct, name: str, choices: Choices, stream: kinesis.Stream
    ) -> None:
        super().__init__(scope, name)
        log = logs.LogGroup(
            self,
            "Log",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=choices.name,
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=True,
            deploy_options=apigateway.StageOptions(
                stage_name="v1",
                access_log_destination=apigateway.LogGroupLogDestination(log),
                access_log_format=apigateway.AccessLogFormat.custom(
                    '{"id": "$context.requestId", "at": "$context.requestTimeEpoch",'
                    ' "status": "$context.status",'
                    ' "ms": "$context.responseLatency", "bytes": "$context.responseLength",'
                    ' "key": "$context.identity.apiKeyId", "error": "$context.error.message"}'
                ),
                metrics_enabled=True,
                throttling_rate_limit=choices.requests * 10,
                throttling_burst_limit=choices.requests * 20,
            ),
        )
        self._events(choices, stream)
        self._keys(choices)

    def _events(self, choices: Choices, stream: kinesis.Stream) -> None:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"))
        role.add_to_policy(
            iam.PolicyStatement(actions=["kinesis:PutRecords"], resources=[stream.stream_arn])
        )
        answers = [
            apigateway.IntegrationResponse(
                status_code="200", response_templates={"application/json": told_back()}
            ),
            apigateway.IntegrationResponse(
                status_code="503",
                selection_pattern=r"[45]\d\d",
                response_templates={
                    "application/json": '{"title": "The stream does not answer.", "status": 503}'
                },
            ),
        ]
        self.taking = self.api.root.add_resource("events").add_method(
            "POST",
            apigateway.AwsIntegration(
                service="kinesis",
                action="PutRecords",
                integration_http_method="POST",
                options=apigateway.IntegrationOptions(
                    credentials_role=role,
                    passthrough_behavior=apigateway.PassthroughBehavior.NEVER,
                    request_parameters={
                        "integration.request.header.Content-Type": "'application/x-amz-json-1.1'"
                    },
                    request_templates={"application/json": into_stream(stream.stream_name)},
                    integration_responses=answers,
                ),
            ),
            api_key_required=True,
            request_models={"application/json": self._model()},
            request_validator=apigateway.RequestValidator(
                self, "Validator", rest_api=self.api, validate_request_body=True
            ),
            method_responses=[
                apigateway.MethodResponse(status_code="200"),
                apigateway.MethodResponse(status_code="503"),
            ],
        )

    def _model(self) -> apigateway.Model:
        """An event, or up to 500 of them; the finer rules are kept behind the stream."""
        event = {
            "type": "object",
            "required": ["event_id", "user_id", "track_id", "event_type", "timestamp"],
            "properties": {
                "event_id": _TEXT,
                "user_id": _TEXT,
                "track_id": {**_TEXT, "maxLength": 1_000},
                "event_type": _TEXT,
                "timestamp": {**_TEXT, "maxLength": 64},
            },
        }
        many = {
            "type": "object",
            "required": ["events"],
            "properties": {
                "events": {"type": "array", "minItems": 1, "maxItems": _MOST, "items": event}
            },
        }
        return apigateway.Model(
            self,
            "Events",
            rest_api=self.api,
            content_type="application/json",
            model_name="events",
            schema=_schema({"oneOf": [event, many]}),
        )

    def _keys(self, choices: Choices) -> None:
        key = self.api.add_api_key("Key")
        cdk.Tags.of(key).add("segue:scope", "recommend")
        allowed = apigateway.ThrottleSettings(
            rate_limit=choices.requests, burst_limit=choices.requests * 2
        )
        plan = self.api.add_usage_plan("Plan", throttle=allowed)
        plan.add_api_key(key)
        plan.add_api_stage(stage=self.api.deployment_stage)
        # a key of one user: whose events a record holds is looked at by nobody, so it brings none
        nothing = apigateway.ThrottleSettings(rate_limit=0, burst_limit=0)
        listeners = self.api.add_usage_plan(
            "Listeners", description="Keys with the tag segue:user.", throttle=allowed
        )
        listeners.add_api_stage(
            stage=self.api.deployment_stage,
            throttle=[apigateway.ThrottlingPerMethod(method=self.taking, throttle=nothing)],
        )
        cdk.CfnOutput(self, "ListenersPlan", value=listeners.usage_plan_id)


def _schema(told: dict[str, object]) -> apigateway.JsonSchema:
    """JSON Schema in the words of the library."""
    words = {
        "oneOf": "one_of",
        "minLength": "min_length",
        "maxLength": "max_length",
        "minItems": "min_items",
        "maxItems": "max_items",
    }
    values: dict[str, object] = {}
    for name, value in told.items():
        if name == "type":
            values["type"] = getattr(apigateway.JsonSchemaType, str(value).upper())
        elif name == "properties":
            assert isinstance(value, dict)
            values["properties"] = {key: _schema(inner) for key, inner in value.items()}
        elif name == "oneOf":
            assert isinstance(value, list)
            values["one_of"] = [_schema(inner) for inner in value]
        elif name == "items":
            assert isinstance(value, dict)
            values["items"] = _schema(value)
        else:
            values[words.get(name, name)] = value
    return apigateway.JsonSchema(**values)
