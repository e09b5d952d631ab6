"""The settings of the callback app and of nginx."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from services.runtime.settings import OneMachineSettings, Settings


class GatewaySettings(OneMachineSettings):
    """The callback app's settings; `_seconds` and `_bytes` say their unit.

    `nginx_url` is where nginx answers /stat, /control and /boot; `pull_url` is what workers pull from.
    """

    spool_path: Path
    host: str = "127.0.0.1"
    port: int = Field(default=8002, ge=0, le=65_535)
    publish_secrets: SecretStr
    internal_token: SecretStr
    nginx_url: str = "http://127.0.0.1:8001"
    pull_url: str = "rtmp://127.0.0.1:1935/stream"
    gateway_name: str = "local"
    hold_seconds: float = Field(default=1.5, ge=0, le=10)
    sweep_seconds: float = Field(default=2.0, gt=0, le=60)
    launch_concurrency: int = Field(default=2, ge=1, le=64)
    min_free_bytes: int = Field(default=512 * 1024 * 1024, ge=0)


class NginxSettings(Settings):
    """What the gateway's nginx is configured with; `run_path` holds its pid, its temporary files and the rendering."""

    rtmp_host: str = "127.0.0.1"
    rtmp_port: int = Field(default=1935, ge=1, le=65_535)
    nginx_port: int = Field(default=8001, ge=1, le=65_535)
    callback_url: str = "http://127.0.0.1:8002"
    run_path: Path
