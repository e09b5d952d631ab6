"""What is in the images, and what is not."""

from __future__ import annotations

import pytest

from services.deploy.engine import Engine
from tests.images.containers import engine, output, tag

IMAGES = ("services", "gateway", "worker")
TOOLS = ("pip", "pip3", "gcc", "cc", "c++", "make", "nasm", "npm", "node", "git", "curl")
WORKER_BYTES = 200_000_000


def shell(image: str, line: str) -> str:
    return output(image, "-c", line, entrypoint="sh")


def test_a_registry_holds_a_worker_in_200_mb() -> None:
    assert Engine(engine()[0]).size(tag("worker")).compressed <= WORKER_BYTES


@pytest.mark.parametrize("image", IMAGES)
def test_nothing_to_build_with_is_inside(image: str) -> None:
    packages = shell(image, "ls /var/lib/apt/lists /opt/python/lib/python3*/site-packages")

    assert shell(image, f"for each in {' '.join(TOOLS)}; do command -v $each; done; true") == ""
    assert not {"pip", "setuptools", "Packages"} & set(packages.split())


@pytest.mark.parametrize("image", IMAGES)
def test_it_runs_as_a_user_of_its_own_who_may_write_to_the_spool_alone(image: str) -> None:
    assert shell(image, "id -u; id -g; stat -c %u:%g /spool").split() == ["10001", "10001", "10001:10001"]
    assert shell(image, "touch /spool/it && echo written").strip() == "written"
    assert shell(image, "find / -xdev -writable ! -type l 2>/dev/null; true").split() == ["/spool"]


@pytest.mark.parametrize("image", IMAGES)
def test_python_finds_everything_compiled(image: str) -> None:
    sources, compiled = (
        int(shell(image, f"find /opt/python/lib /opt/streamkeep -name '*.{suffix}' | wc -l"))
        for suffix in ("py", "pyc")
    )

    assert sources > 0
    assert compiled >= sources


@pytest.mark.parametrize("image", ["gateway", "worker"])
def test_ffmpeg_is_whole(image: str) -> None:
    missing = shell(
        image, "find /usr/local/bin /usr/local/lib -type f -exec ldd {} + 2>/dev/null | grep 'not found'; true"
    )
    version = output(image, "-version", entrypoint="ffmpeg")
    encoders = output(image, "-hide_banner", "-encoders", entrypoint="ffmpeg")
    filters = output(image, "-hide_banner", "-filters", entrypoint="ffmpeg")
    protocols = output(image, "-hide_banner", "-protocols", entrypoint="ffmpeg").split()

    assert missing == ""
    assert tuple(map(int, version.split()[2].split("-")[0].split(".")[:2])) >= (6, 1), "enhanced RTMP"
    assert all(f" {name} " in encoders for name in ("libx264", "libx265", "libwebp", "aac", "mjpeg"))
    assert " drawtext " in filters
    assert {"rtmp", "rtmps", "srt", "https"} <= set(protocols)


def test_drawtext_finds_a_font() -> None:
    drawn = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=duration=0.1", "-vf", "drawtext=text=now", "-f", "null", "-"]

    assert output("worker", *drawn, entrypoint="ffmpeg") == ""


@pytest.mark.parametrize(
    ("image", "program"),
    [
        ("gateway", "services.gateway"), ("gateway", "services.gateway.nginx"), ("gateway", "services.puller"),
        ("worker", "services.worker"), ("worker", "services.grabber"),
        ("services", "services.metadata"), ("services", "services.dispatcher"), ("services", "services.reconciler"),
        ("services", "services.admin"),
    ],
)  # fmt: skip
def test_every_program_finds_all_that_it_imports(image: str, program: str) -> None:
    modules = (
        "import importlib.util, pkgutil\n"
        f"program = importlib.util.find_spec('{program}')\n"
        "assert program.origin, 'a folder alone is a package, too'\n"
        f"assert not program.submodule_search_locations or importlib.util.find_spec('{program}.__main__')\n"
        f"room = importlib.import_module('{'.'.join(program.split('.')[:2])}')\n"
        "for each in pkgutil.walk_packages(room.__path__, room.__name__ + '.'):\n"
        "    each.name.endswith('__main__') or importlib.import_module(each.name)\n"
    )

    output(image, "-c", modules, entrypoint="python")
