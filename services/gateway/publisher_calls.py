"""The private calls about this gateway's publishers: other gateways and the reconciler make them."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from services.domain.errors import GatewayUnavailable
from services.domain.gateways import Connection
from services.domain.secrets import Secret
from services.gateway.connections import Connections
from services.gateway.private import bearer, unauthorized


class _Drop(BaseModel):
    """Which connection is to be cut; without `gateway`, of nginx's present life."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gateway: str | None = Field(default=None, max_length=128)
    channel_id: str = Field(max_length=64)
    client_id: str = Field(pattern=r"^[0-9]{1,20}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherCalls:
    """Lists publishers, and cuts one."""

    connections: Connections
    token: Secret

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            Route("/connections", self._list),
            Route("/drop", self._drop, methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        if not self.token.matches(bearer(request)):
            return unauthorized()
        try:
            return JSONResponse(await self.connections.told(request.query_params.get("channel")))
        except GatewayUnavailable as error:
            return PlainTextResponse(str(error), status_code=HTTPStatus.SERVICE_UNAVAILABLE)

    async def _drop(self, request: Request) -> Response:
        """Answer 204 once the connection is gone, 409 if nginx keeps it."""
        if not self.token.matches(bearer(request)):
            return unauthorized()
        try:
            wanted = _Drop.model_validate_json(await request.body())
        except ValidationError as error:
            problems = "; ".join(
                f"{each['loc'][-1] if each['loc'] else 'body'}: {each['msg']}" for each in error.errors()
            )
            return PlainTextResponse(problems, status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        connection = Connection(channel_id=wanted.channel_id, client_id=wanted.client_id)
        try:
            gateway = wanted.gateway or (await self.connections.pulse.taken()).gateway
            is_gone = await self.connections.cut(gateway, connection)
        except GatewayUnavailable as error:
            return PlainTextResponse(str(error), status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return Response(status_code=HTTPStatus.NO_CONTENT if is_gone else HTTPStatus.CONFLICT)
