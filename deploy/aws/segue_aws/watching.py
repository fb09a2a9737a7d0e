"""Alarms, a dashboard and a budget: what somebody who is called at night looks at."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_stepfunctions as steps
from constructs import Construct

from segue_aws.choices import Choices
from segue_aws.pipeline import PipelineStack

__all__ = ["WatchingStack"]

_MINUTE = cdk.Duration.minutes(1)
_NEARLY = 0.9  # of the time that a function may take


class WatchingStack(cdk.Stack):
    """Watches what is put up, and what it costs.

    Args:
        pipeline: None: there is none, and functions that run by the clock are watched alone.
    """

    def __init__(
        self, scope: Construct, name: str, choices: Choices, pipeline: PipelineStack | None
    ) -> None:
        super().__init__(scope, name)
        self.topic = sns.Topic(self, "Alarms", enforce_ssl=True)
        if choices.mail:
            self.topic.add_subscription(subscriptions.EmailSubscription(choices.mail))
        self._board = board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=choices.name)
        if pipeline is not None:
            self._watch_pipeline(board, pipeline)
        self._budget(choices)

    def _watch_pipeline(self, board: cloudwatch.Dashboard, pipeline: PipelineStack) -> None:
        for function in pipeline.functions:
            board.add_widgets(*self._of_function(function))
        if pipeline.serving is not None:
            board.add_widgets(*self._of_serving(pipeline.serving.function))
        board.add_widgets(*self._of_forgetting(pipeline.forgetting.function))
        board.add_widgets(*self._of_door(pipeline), *self._of_queues(pipeline))

    def watch_machine(self, name: str, machine: steps.StateMachine) -> None:
        """Tell of executions that fail."""
        failed = machine.metric_failed(period=_MINUTE, statistic="Sum")
        late = machine.metric_timed_out(period=_MINUTE, statistic="Sum")
        self._alarm(f"{name}Failed", failed, 0, 1, "daily data sets were not made")
        self._alarm(f"{name}Late", late, 0, 1, "daily data sets take too long")
        self._board.add_widgets(_graph(f"{name}: failed, timed out", failed, late))

    def watch_scheduled(
        self, name: str, function: lambda_.DockerImageFunction, *, may_last: bool = False
    ) -> None:
        """Tell of a function that runs by the clock: that it fails again and again, or nearly does.

        Lambda tries an invocation three times, so one that fails once may still go well.

        Args:
            name: Of the function, for people.
            function: The function.
            may_last: Whether it works for as long as it may, and then goes on in another one.
        """
        hour = cdk.Duration.hours(1)
        errors = function.metric_errors(period=hour, statistic="Sum")
        throttles = function.metric_throttles(period=hour, statistic="Sum")
        longest = function.metric_duration(period=hour, statistic="Maximum")
        self._alarm(f"{name}Errors", errors, 1, 1, f"{name} fails again and again")
        self._alarm(f"{name}Throttles", throttles, 0, 1, f"{name} is held back")
        if not may_last and function.timeout is not None:
            limit = int(function.timeout.to_milliseconds() * _NEARLY)
            self._alarm(f"{name}Slow", longest, limit, 1, f"{name} nearly takes too long")
        self._board.add_widgets(
            _graph(f"{name}: errors, throttles", errors, throttles),
            _graph(f"{name}: longest", longest),
        )

    def _of_function(self, function: lambda_.Function) -> list[cloudwatch.IWidget]:
        name = function.node.id
        age = function.metric("IteratorAge", statistic="Maximum", period=_MINUTE)
        errors = function.metric_errors(period=_MINUTE)
        throttles = function.metric_throttles(period=_MINUTE)
        self._alarm(f"{name}Behind", age, 60_000, 5, "events wait for over a minute")
        self._alarm(f"{name}Errors", errors, 0, 5, "invocations fail")
        self._alarm(f"{name}Throttles", throttles, 0, 5, "invocations are held back")
        slow = function.metric_duration(statistic="p99", period=_MINUTE)
        return [
            _graph(f"{name}: age of events", age),
            _graph(f"{name}: errors, throttles", errors, throttles),
            _graph(f"{name}: duration, p99", slow),
        ]

    def _of_serving(self, function: lambda_.IFunction) -> list[cloudwatch.IWidget]:
        errors = function.metric_errors(period=_MINUTE)
        throttles = function.metric_throttles(period=_MINUTE)
        slow = function.metric_duration(statistic="p99", period=_MINUTE)
        running = function.metric("ConcurrentExecutions", statistic="Maximum", period=_MINUTE)
        self._alarm("ServeErrors", errors, 0, 5, "requests for recommendations fail")
        self._alarm("ServeThrottles", throttles, 0, 5, "requests for recommendations are held back")
        self._alarm("ServeSlow", slow, 3_000, 10, "recommendations take over 3 seconds (p99)")
        return [
            _graph("Recommendations: errors, throttles", errors, throttles),
            _graph("Recommendations: duration, p99", slow),
            _graph("Recommendations: functions at once", running),
        ]

    def _of_forgetting(self, function: lambda_.Function) -> list[cloudwatch.IWidget]:
        errors = function.metric_errors(period=_MINUTE)
        throttles = function.metric_throttles(period=_MINUTE)
        self._alarm("UsersErrors", errors, 0, 1, "a user could not be forgotten")
        return [_graph("Users to forget: errors, throttles", errors, throttles)]

    def _of_door(self, pipeline: PipelineStack) -> list[cloudwatch.IWidget]:
        api = pipeline.door.api
        broken = api.metric_server_error(period=_MINUTE, statistic="Sum")
        slow = api.metric_latency(period=_MINUTE, statistic="p99")
        full = pipeline.stream.metric_put_records_throttled_records(period=_MINUTE, statistic="Sum")
        self._alarm("DoorErrors", broken, 0, 5, "the API answers with errors")
        self._alarm("DoorSlow", slow, 1_000, 10, "the API takes over a second (p99)")
        self._alarm("StreamFull", full, 0, 5, "the stream refuses events: give it more shards")
        return [
            _graph("API: errors; events refused by shards", broken, full),
            _graph("API: p99", slow),
        ]

    def _of_queues(self, pipeline: PipelineStack) -> list[cloudwatch.IWidget]:
        found = []
        for queue in (pipeline.refused, pipeline.given_up):
            depth = queue.metric_approximate_number_of_messages_visible(
                period=_MINUTE, statistic="Maximum"
            )
            self._alarm(f"{queue.node.id}Letters", depth, 0, 1, "events could not be taken")
            found.append(depth)
        return [_graph("Letters: refused, given up", *found)]

    def _alarm(
        self, name: str, metric: cloudwatch.Metric, above: int, minutes: int, why: str
    ) -> None:
        alarm = metric.create_alarm(
            self,
            name,
            threshold=above,
            evaluation_periods=minutes,
            datapoints_to_alarm=max(1, minutes - 2),
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=why,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))

    def _budget(self, choices: Choices) -> None:
        told = (
            [
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=kind,
                        threshold=share,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[
                        budgets.CfnBudget.SubscriberProperty(
                            address=choices.mail, subscription_type="EMAIL"
                        )
                    ],
                )
                for kind, share in (("ACTUAL", 80), ("FORECASTED", 100))
            ]
            if choices.mail
            else None
        )
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=choices.name,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=choices.budget, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:application${choices.name}"]},
            ),
            notifications_with_subscribers=told,
        )


def _graph(title: str, *metrics: cloudwatch.Metric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)
