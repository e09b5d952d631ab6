"""Deploys that are killed, that fail, and that cannot begin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws.rehearsal import Rehearsal, rehearsal
from tests.emulators import Emulators

WORKER = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/keep/worker:1"
IMAGES = (
    "--image-gateway=registry.example/keep/gateway:1",
    "--image-services=registry.example/keep/services:1",
    f"--image-worker={WORKER}",
)


@pytest.fixture(scope="module")
def on(emulators: Emulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    with rehearsal(emulators.url("ministack"), tmp_path_factory.mktemp("troubles")) as rehearsing:
        yield rehearsing


@pytest.fixture
def no_engine(tmp_path: Path) -> str:
    """A PATH without any program that builds images."""
    (tmp_path / "empty").mkdir()
    return str(tmp_path / "empty")


def test_what_was_killed_in_the_middle_is_finished_by_the_next_run(on: Rehearsal) -> None:
    deploy = ("deploy", "--stack-name", "cut", "--yes")
    for mark in ("CREATE_IN_PROGRESS  cut-bootstrap", ": pushed", "== Templates", "CREATE_IN_PROGRESS  cut "):
        on.kill_at(mark, *deploy)

    finished = on.run(*deploy)

    assert finished.code == 0, finished.said
    assert on.stacks()["cut"].endswith("_COMPLETE")
    assert len(on.pushes()) == len(set(on.pushes())) == 3
    assert on.outputs("cut")["PushUrl"] in finished.said


def test_a_destroy_that_was_killed_is_finished_by_the_next_run(on: Rehearsal) -> None:
    destroy = ("destroy", "--stack-name", "cut", "--yes")
    on.kill_at("tasks come to rest", *destroy)
    on.kill_at("DELETE_IN_PROGRESS  cut ", *destroy)

    finished = on.run(*destroy)

    assert finished.code == 0, finished.said
    assert not {"cut", "cut-bootstrap"} & on.stacks().keys()


def test_a_deploy_after_a_destroy_that_did_not_end_starts_again_what_that_had_stopped(on: Rehearsal) -> None:
    name = ("--stack-name", "woken", "--yes")
    on.run("deploy", *name)
    on.kill_at("tasks come to rest", "destroy", *name)
    on.client("ecs").update_service(cluster="woken", service="woken-gateway", desiredCount=0)

    again = on.run("deploy", *name)

    assert "woken-gateway was stopped, by a destroy that did not end" in again.said
    (gateway,) = on.client("ecs").describe_services(cluster="woken", services=["woken-gateway"])["services"]
    assert gateway["desiredCount"] == 1


def test_a_stack_that_rolled_back_is_named_with_the_cause_and_made_anew_by_the_next_run(on: Rehearsal) -> None:
    deploy = ("deploy", "--stack-name", "broken", "--yes")
    on.front.broken = {"cluster"}

    failed = on.run(*deploy)
    on.front.mend()
    mended = on.run(*deploy)

    assert failed.code == 1
    assert "broken could not be changed and is ROLLBACK_COMPLETE" in failed.said
    assert "CREATE_FAILED  Cluster" in failed.said
    assert "AWS::Nobody::Knows" in failed.said
    assert "ROLLBACK_COMPLETE, which can only be deleted" in mended.said
    assert mended.code == 0, mended.said


def test_without_an_engine_nothing_begins_and_one_is_named(on: Rehearsal, no_engine: str) -> None:
    ended = on.run("deploy", "--stack-name", "none", "--yes", PATH=no_engine)

    assert ended.code == 1
    assert "apt-get install -y --no-install-recommends podman" in ended.said
    assert "none-bootstrap" not in on.stacks()


def test_a_dry_run_names_an_engine_where_there_is_none_and_goes_on(on: Rehearsal, no_engine: str) -> None:
    ended = on.run("deploy", "--stack-name", "none", "--dry-run", PATH=no_engine)

    assert ended.code == 0, ended.said
    assert "apt-get install -y --no-install-recommends podman" in ended.said
    assert "What would change" in ended.said


def test_with_images_of_ones_own_no_engine_is_wanted(on: Rehearsal, no_engine: str) -> None:
    ended = on.run("deploy", "--stack-name", "prebuilt", "--yes", *IMAGES, PATH=no_engine)

    assert ended.code == 0, ended.said
    task = on.client("ecs").describe_task_definition(taskDefinition="prebuilt-worker")["taskDefinition"]
    assert task["containerDefinitions"][0]["image"] == WORKER


def test_roles_that_may_not_be_made_are_named_and_stop_nothing(on: Rehearsal, no_engine: str) -> None:
    on.front.forbidden_roles = {"ecs.amazonaws.com"}

    ended = on.run("deploy", "--stack-name", "prebuilt", "--yes", *IMAGES, PATH=no_engine)

    assert ended.code == 0, ended.said
    assert "ecs.amazonaws.com: could not be made, which matters only if the account has none" in ended.said
    assert "ecs.application-autoscaling.amazonaws.com: stands already" in ended.said


def test_the_push_address_is_the_name_that_the_certificate_is_for(on: Rehearsal, no_engine: str) -> None:
    certificate = on.client("acm").request_certificate(DomainName="push.example.org")["CertificateArn"]

    ended = on.run(
        "deploy", "--stack-name", "prebuilt", "--yes", "--certificate-arn", certificate, *IMAGES, PATH=no_engine
    )

    assert ended.code == 0, ended.said
    assert "rtmps://push.example.org:443/stream" in ended.said
    assert "make push.example.org a CNAME of" in ended.said


def test_a_certificate_for_many_names_wants_to_be_told_which(on: Rehearsal) -> None:
    certificate = on.client("acm").request_certificate(DomainName="*.example.org")["CertificateArn"]

    ended = on.run("deploy", "--stack-name", "none", "--dry-run", "--certificate-arn", certificate)

    assert ended.code == 1
    assert "--parameter PublishHost=NAME" in ended.said


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"AWS_ACCESS_KEY_ID": "wrong"}, "AWS refuses the credentials (InvalidClientTokenId)"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no credentials were found"),
        ({"AWS_REGION": ""}, "give --region"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "is eu-central-1 the region's right name"),
    ],
)
def test_who_cannot_sign_in_is_told_what_to_do(on: Rehearsal, variables: dict[str, str], told: str) -> None:
    on.front.wrong_keys = {"wrong"}

    for command in ("deploy", "destroy"):
        ended = on.run(command, "--yes", **variables)

        assert ended.code == 1
        assert told in ended.said
        assert "Traceback" not in ended.said


def test_who_has_not_signed_in_by_sso_is_told_how(on: Rehearsal, tmp_path: Path) -> None:
    settings = tmp_path / "config"
    settings.write_text(
        "[profile ours]\nsso_session = ours\nsso_account_id = 123456789012\nsso_role_name = deploys\n"
        "[sso-session ours]\nsso_region = eu-central-1\nsso_start_url = https://sso.example.org/start\n"
    )
    without = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}

    ended = on.run("deploy", "--yes", "--profile", "ours", **without, AWS_CONFIG_FILE=str(settings), HOME=str(tmp_path))

    assert ended.code == 1
    assert "run `aws sso login --profile ours`" in ended.said


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("--profile", "nobodys"), "nobodys"),
        (("--parameter", "PoolSiez=3"), "there is none of this name"),
        (("--parameter", "WorkerImage=x/y:1"), "--image-"),
        (("--image-worker", "registry.example/keep/worker:1"), "has to be in ECR"),
    ],
)
def test_what_does_not_exist_is_named(on: Rehearsal, argv: tuple[str, ...], told: str) -> None:
    ended = on.run("deploy", "--stack-name", "none", "--yes", *argv)

    assert ended.code == 1
    assert told in ended.said


@pytest.mark.parametrize("name", ["Keep", "keep-bootstrap", "k" * 31, "9lives", "keep;rm"])
def test_a_name_that_no_stack_may_have_is_refused_before_anything_is_asked(on: Rehearsal, name: str) -> None:
    ended = on.run("deploy", "--stack-name", name, "--yes", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")

    assert ended.code == 2
    assert "small letters" in ended.said


def test_nobody_to_ask_is_a_no(on: Rehearsal) -> None:
    ended = on.run("deploy", "--stack-name", "none")

    assert ended.code == 1
    assert "--yes agrees beforehand" in ended.said
    assert "none-bootstrap" not in on.stacks()
