"""Opens the sink that a subscriber's address names; what a kind needs is imported only when it is asked for."""

from __future__ import annotations

from services.adapters.address_guard import AddressGuard
from services.domain.clock import Clock
from services.domain.sink import Sink
from services.domain.subscriber import KAFKA, LOG, SQS, Subscriber


def open_sink(subscriber: Subscriber, *, guard: AddressGuard, clock: Clock) -> Sink:
    """Give the sink; nothing is asked of it yet. `guard` says where its address may lead, if it is a webhook's."""
    match subscriber.kind:
        case x if x == SQS:
            from services.adapters.sqs_sink import SqsSink  # noqa: PLC0415 - see above

            return SqsSink(subscriber)
        case x if x == KAFKA:
            from services.adapters.kafka_sink import KafkaSink  # noqa: PLC0415 - see above

            return KafkaSink(subscriber)
        case x if x == LOG:
            from services.adapters.log_sink import LogSink  # noqa: PLC0415 - see above

            return LogSink(subscriber)
    from services.adapters.webhook_sink import WebhookSink  # noqa: PLC0415 - see above

    return WebhookSink(subscriber, guard, clock)
