"""Stands before ministack and answers, as AWS documents it, what that lacks and a deploy needs.

- Service Quotas: `quotas`, by code; a code that is not there has AWS's default.
- STS: a key of `wrong_keys` is refused.
- IAM: service-linked roles, `linked_roles`, are there once; `forbidden_roles` may not be made.
- Templates are stored without the resources that the emulator does not know (tests/aws/reduced.py).
- `DeletionPolicy: Retain`: the emulator deletes a stack's table and bucket with it, and this puts them back.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import boto3

from tests.aws.reduced import reduced
from tests.doubles.retained import Retained
from tests.emulators import CREDENTIALS
from tests.serving import serving
from tests.waiting import eventually

DELETED_WITHIN_SECONDS = 30.0
_TEMPLATE = re.compile(r"/[^/]+/[0-9a-f]{16}/([a-z]+)\.yaml")
_QUOTAS = "ServiceQuotasV20190624."
_OF_THE_BODY = frozenset({"content-length", "content-md5", "x-amz-sdk-checksum-algorithm", "connection"})
_OWN_TO_A_CONNECTION = frozenset({"connection", "transfer-encoding", "keep-alive", "date", "server", "content-length"})
Answer = tuple[int, dict[str, str], bytes]


class AwsFront:
    """One endpoint for everything; `url` is its own."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.quotas: dict[str, float] = {}
        self.wrong_keys: set[str] = set()
        self.linked_roles: set[str] = set()
        self.forbidden_roles: set[str] = set()
        self.broken: set[str] = set()
        """Templates that are stored with a fault: CloudFormation fails in the middle of them."""
        self.operations: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._serving = ExitStack()

    def __enter__(self) -> Self:
        self._serving.enter_context(serving(self._server))
        return self

    def __exit__(self, *_: object) -> None:
        self._serving.close()

    def client(self, service: Any) -> Any:  # noqa: ANN401 - as boto3 has it
        """Give a client of the emulator itself."""
        return boto3.client(service, endpoint_url=self.upstream, region_name=CREDENTIALS["AWS_REGION"])

    def mend(self) -> None:
        """Store the broken templates again, without the fault."""
        s3 = self.client("s3")
        for bucket in s3.list_buckets()["Buckets"]:
            for each in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
                found = _TEMPLATE.fullmatch(f"/{bucket['Name']}/{each['Key']}")
                if found and found[1] in self.broken:
                    s3.put_object(Bucket=bucket["Name"], Key=each["Key"], Body=reduced(found[1]).encode())
        self.broken.clear()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        target = headers.get("X-Amz-Target", "")
        asked = parse_qs(body.decode()) if headers.get("Content-Type", "").startswith("application/x-www-form") else {}
        action = target.rpartition(".")[2] or "".join(asked.get("Action", []))
        self.operations.append(action or method)
        if target.startswith(_QUOTAS):
            return self._quota(action, json.loads(body))
        if any(f"Credential={key}/" in headers.get("Authorization", "") for key in self.wrong_keys):
            return _error(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        if action == "CreateServiceLinkedRole":
            return self._link(asked["AWSServiceName"][0])
        template = _TEMPLATE.fullmatch(urlsplit(path).path)
        if method == "PUT" and template:
            body = self._reduced(template[1])
        if action == "DeleteStack":
            return self._delete(asked["StackName"][0], lambda: self._pass_on(method, path, headers, body))
        answer = self._pass_on(method, path, headers, body)
        return _MENDED.get(action, _as_it_is)(answer)

    def _reduced(self, name: str) -> bytes:
        body = json.loads(reduced(name))
        if name in self.broken:
            body["Resources"]["Fault"] = {"Type": "AWS::Nobody::Knows"}
        return json.dumps(body).encode()

    def _quota(self, action: str, asked: dict[str, str]) -> Answer:
        code = asked["QuotaCode"]
        if action == "GetServiceQuota" and code not in self.quotas:
            return _json(400, {"__type": "NoSuchResourceException", "Message": "The request failed because"})
        value = self.quotas.get(code, 5000.0)
        quota = {"ServiceCode": asked["ServiceCode"], "QuotaCode": code, "Value": value, "Adjustable": True}
        return _json(200, {"Quota": quota})

    def _link(self, service: str) -> Answer:
        if service in self.forbidden_roles:
            return _error(403, "AccessDenied", "User is not authorized to perform: iam:CreateServiceLinkedRole")
        if service in self.linked_roles:
            said = (
                "Service role name AWSServiceRoleFor... has been taken in this account, please try a different suffix."
            )
            return _error(400, "InvalidInput", said)
        self.linked_roles.add(service)
        name = "<CreateServiceLinkedRoleResponse><CreateServiceLinkedRoleResult/></CreateServiceLinkedRoleResponse>"
        return 200, {"Content-Type": "text/xml"}, name.encode()

    def _delete(self, stack: str, forward: Callable[[], Answer]) -> Answer:
        kept = Retained.of(self.client, stack)
        answer = forward()
        if kept:
            eventually(lambda: self._is_gone(stack), within=DELETED_WITHIN_SECONDS, what=f"{stack} is gone")
            kept.put_back(self.client)
        return answer

    def _is_gone(self, stack: str) -> bool:
        found = self.client("cloudformation").list_stacks()["StackSummaries"]
        return all(each["StackStatus"] == "DELETE_COMPLETE" for each in found if each["StackName"] == stack)

    def _pass_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        sent = {name: value for name, value in headers.items() if name.lower() not in _OF_THE_BODY}
        sent = {name: value for name, value in sent.items() if not name.lower().startswith("x-amz-checksum")}
        upstream = http.client.HTTPConnection(urlsplit(self.upstream).netloc, timeout=60)
        try:
            upstream.request(method, path, body, sent)
            answer = upstream.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in _OWN_TO_A_CONNECTION}
            return answer.status, kept, answer.read()
        finally:
            upstream.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, content = front.answer(self.command, self.path, dict(self.headers), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base has it
                """Keep quiet."""

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - http.server looks for these

        return Handler


def _as_it_is(answer: Answer) -> Answer:
    return answer


def _with_result(answer: Answer) -> Answer:
    """Put in the element that AWS's answer has and the emulator's lacks."""
    return *answer[:2], answer[2].replace(b"<ResponseMetadata>", b"<DeleteChangeSetResult/><ResponseMetadata>")


def _newest_first(answer: Answer) -> Answer:
    """Put events of the same second, which the emulator gives oldest first, as AWS does."""
    events = re.findall(rb"<member>.*?</member>", answer[2], re.DOTALL)
    moments = [re.findall(rb"<Timestamp>(.*?)</Timestamp>", event)[0] for event in events]
    placed = sorted(range(len(events)), key=lambda place: (moments[place], place), reverse=True)
    before, _, rest = answer[2].partition(b"<member>")
    after = rest.rpartition(b"</member>")[2]
    return *answer[:2], before + b"".join(events[place] for place in placed) + after


_MENDED = {"DeleteChangeSet": _with_result, "DescribeStackEvents": _newest_first}


def _json(status: int, said: dict[str, Any]) -> Answer:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(said).encode()


def _error(status: int, code: str, message: str) -> Answer:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return status, {"Content-Type": "text/xml"}, f"<ErrorResponse>{error}</ErrorResponse>".encode()
