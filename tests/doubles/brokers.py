"""Kafka's protocol on real ports: librdkafka's mock brokers, in a process of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from tests.waiting import eventually

ROOT = Path(__file__).parent.parent.parent
JOIN_SECONDS = 20.0


class Brokers:
    """Brokers that keep messages in memory; `addresses` is what a client is given."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "tests.doubles.brokers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ,
            text=True,
        )
        assert self._process.stdout is not None
        self.addresses = self._process.stdout.readline().strip()
        assert self.addresses

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stop(self) -> None:
        """Let every broker hang; return once none can acknowledge anything more."""
        self._process.send_signal(signal.SIGSTOP)
        # A thread may run on for a moment after the signal was sent.
        eventually(self._is_stopped, within=5, what="the brokers hang")

    def _is_stopped(self) -> bool:
        threads = Path(f"/proc/{self._process.pid}/task").glob("*/stat")
        return all(each.read_text().rpartition(")")[2].split()[0] == "T" for each in threads)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def url(self, topic: str) -> str:
        return f"kafka://{self.addresses}/{topic}"

    def read(self, topic: str, last: str, within: float = JOIN_SECONDS) -> list[Message]:
        """Give a topic's messages up to the event of that id, as a consumer reads them."""
        # Every partition is named, and no group joined: that takes some seconds.
        consumer = Consumer({"bootstrap.servers": self.addresses, "group.id": "reader"})
        partitions = consumer.list_topics(topic, timeout=within).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        found: list[Message] = []
        for _ in range(int(within * 10)):
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                found.append(message)
                if envelope(message)["id"] == last:
                    break
        consumer.close()
        assert last in [envelope(message)["id"] for message in found]
        return found


def envelope(message: Message) -> dict[str, Any]:
    return dict(json.loads(message.value() or b""))


def main() -> None:
    """Run brokers until standard input ends."""
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 2})
    found = producer.list_topics(timeout=10).brokers.values()
    print(",".join(f"{broker.host}:{broker.port}" for broker in found), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
