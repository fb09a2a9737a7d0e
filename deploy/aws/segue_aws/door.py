"""`POST /events` straight into Kinesis: no code of ours stands between a player and the stream."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_logs as logs
from constructs import Construct

from segue_aws.choices import Choices

__all__ = ["Door", "into_stream", "not_taken", "told_back"]

_MOST = 500
_FORGETTING = 2
"""Users a second who may be forgotten."""

_APOSTROPHES = r"""replaceAll("\\'", "'")"""
_TEXT = {"type": "string", "minLength": 1, "maxLength": 200}


def into_stream(stream: str) -> str:
    """The mapping of a body to PutRecords: one record an event, its user the partition key.

    What escapes a text for JavaScript escapes apostrophes too, and JSON knows no such thing.
    """
    return f"""#set($many = $input.path('$.events'))
#if($many.size() > 0)
{{"StreamName": "{stream}", "Records": [
#foreach($one in $many)
{{"Data": "$util.base64Encode($input.json("$.events[$foreach.index]"))",
"PartitionKey": "$util.escapeJavaScript($one.user_id).{_APOSTROPHES}"}}#if($foreach.hasNext),#end
#end
]}}
#else
{{"StreamName": "{stream}", "Records": [
{{"Data": "$util.base64Encode($input.json('$'))",
"PartitionKey": "$util.escapeJavaScript($input.path('$.user_id')).{_APOSTROPHES}"}}
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


def not_taken() -> str:
    """What is answered where the stream refuses a request as a whole.

    One that is too large will be refused again; anything else passes.
    """
    return """#set($kind = "$input.path('$.__type')")
#if($kind.contains("Validation") || $kind.contains("InvalidArgument"))
#set($context.responseOverride.status = 413)
{"title": "The events are too large; send fewer at once, and no more of each than is asked for.",
"status": 413}
#else
#set($context.responseOverride.header.Retry-After = "1")
{"title": "The stream does not answer; send the events again.", "status": 503}
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
                response_templates={"application/json": not_taken()},
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
                apigateway.MethodResponse(status_code="413"),
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

    def hand_out_keys(self, choices: Choices, forgetting: apigateway.Method) -> None:
        """Who may ask how often: an app, single listeners, and who looks after users.

        Args:
            choices: How often.
            forgetting: The method by which users are forgotten: for the last of them alone.
        """
        nothing = apigateway.ThrottleSettings(rate_limit=0, burst_limit=0)
        nobody = apigateway.ThrottlingPerMethod(method=forgetting, throttle=nothing)
        few = apigateway.ThrottleSettings(rate_limit=_FORGETTING, burst_limit=_FORGETTING * 5)
        # a key of one user: whose events a record holds is looked at by nobody, so it brings none
        silent = apigateway.ThrottlingPerMethod(method=self.taking, throttle=nothing)
        app = self._plan("Plan", choices, nobody)
        self.key = self._key("Key", "recommend")
        app.add_api_key(self.key)
        self.listeners = self._plan("Listeners", choices, silent, nobody, told="segue:user")
        admins = self._plan(
            "Admins",
            choices,
            apigateway.ThrottlingPerMethod(method=forgetting, throttle=few),
            told="segue:scope = admin",
        )
        self.admin_key = self._key("AdminKey", "admin")
        admins.add_api_key(self.admin_key)

    def _key(self, name: str, scope: str) -> apigateway.IApiKey:
        key = self.api.add_api_key(name)
        cdk.Tags.of(key).add("segue:scope", scope)
        return key

    def _plan(
        self,
        name: str,
        choices: Choices,
        *methods: apigateway.ThrottlingPerMethod,
        told: str = "",
    ) -> apigateway.UsagePlan:
        allowed = apigateway.ThrottleSettings(
            rate_limit=choices.requests, burst_limit=choices.requests * 2
        )
        plan = self.api.add_usage_plan(
            name,
            throttle=allowed,
            description=f"Keys with the tag {told}." if told else None,
        )
        plan.add_api_stage(stage=self.api.deployment_stage, throttle=list(methods))
        return plan


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
