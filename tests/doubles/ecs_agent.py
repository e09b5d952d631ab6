"""ECS as a task of a service sees it: the agent beside it (metadata, protection), and the API about its service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.emulators import CREDENTIALS
from tests.serving import serving

CLUSTER = "arn:aws:ecs:eu-central-1:123456789012:cluster/streamkeep"


def task_arn(task_id: str) -> str:
    return f"arn:aws:ecs:eu-central-1:123456789012:task/streamkeep/{task_id}"


class EcsAgent:
    """Answers as the agent of one task; `variables` are what ECS sets in its containers.

    It was started by the deployment `own` of a service; `deployments` are what the API tells of that.
    `protections` are the requests that changed its protection, oldest first; while `refuses` is set it changes none,
    and gives that as the failure's reason.
    """

    def __init__(self, url: str, task_id: str, address: str, zone: str) -> None:
        self.variables = {
            "ECS_CONTAINER_METADATA_URI_V4": f"{url}/v4/abc",
            "ECS_AGENT_URI": f"{url}/api/abc",
            "AWS_ENDPOINT_URL_ECS": url,
            **CREDENTIALS,
        }
        self.group = "service:gateway"
        self.own = "ecs-svc/1"
        self.deployments = [deployment(self.own)]
        self.arn = task_arn(task_id)
        self.address: str | None = address
        self.zone = zone
        self.asked = 0
        self.asked_services: list[dict[str, Any]] = []
        self.protections: list[dict[str, Any]] = []
        self.refuses: str | None = None

    def task(self) -> dict[str, Any]:
        self.asked += 1
        networks = [] if self.address is None else [{"NetworkMode": "awsvpc", "IPv4Addresses": [self.address]}]
        return {
            "Cluster": CLUSTER,
            "TaskARN": self.arn,
            "Family": "gateway",
            "Revision": "7",
            "AvailabilityZone": self.zone,
            "LaunchType": "FARGATE",
            "Containers": [{"Name": "nginx", "Networks": networks}, {"Name": "app", "Networks": networks}],
        }

    def api(self, operation: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        assert asked["cluster"] == CLUSTER
        if operation == "DescribeTasks":
            assert asked["tasks"] == [self.arn]
            return {"tasks": [{"taskArn": self.arn, "group": self.group, "startedBy": self.own}], "failures": []}
        if operation == "DescribeServices":
            self.asked_services.append(asked)
            known = asked["services"] == [self.group.removeprefix("service:")]
            return {"services": [{"deployments": self.deployments}] if known else [], "failures": []}
        return None

    def protect(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self.refuses is not None:
            return {"failure": {"Arn": self.arn, "Reason": self.refuses, "Detail": None}}
        self.protections.append(asked)
        return {"protection": {"ProtectionEnabled": asked["ProtectionEnabled"], "TaskArn": self.arn}}


def deployment(name: str, *, status: str = "PRIMARY", running: int = 1, rollout: str = "COMPLETED") -> dict[str, Any]:
    """Give a deployment as DescribeServices does."""
    return {"id": name, "status": status, "runningCount": running, "desiredCount": 1, "rolloutState": rollout}


@contextmanager
def ecs_agent(task_id: str, *, address: str = "127.0.0.1", zone: str = "eu-central-1a") -> Iterator[EcsAgent]:
    """Run an agent while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, document: dict[str, Any] | None) -> None:
            body = b"" if document is None else json.dumps(document).encode()
            self.send_response(200 if document is not None else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._answer(agent.task() if self.path == "/v4/abc/task" else None)

        def do_POST(self) -> None:
            operation = str(self.headers["X-Amz-Target"]).rpartition(".")[2]
            self._answer(agent.api(operation, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

        def do_PUT(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(agent.protect(asked) if self.path == "/api/abc/task-protection/v1/state" else None)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, serving(server):
        agent = EcsAgent(f"http://127.0.0.1:{server.server_address[1]}", task_id, address, zone)
        yield agent
