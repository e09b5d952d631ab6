"""The templates fit together: what one takes another gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.aws.inlined import FUNCTION, inlined
from tests.aws.templates import FOLDER, NAMES, NESTED, leaves, template

PLACE = "AWS::CloudFormation::Stack"


def _nested_of(logical: str) -> str:
    url: str = template("main").resources[logical]["Properties"]["TemplateURL"]["Fn::Sub"]
    return Path(url).stem


def test_main_makes_every_nested_template_and_each_once() -> None:
    made = [_nested_of(name) for name, each in template("main").resources.items() if each["Type"] == PLACE]

    assert sorted(made) == sorted(NESTED)


def test_pictures_of_any_address_are_taken_by_the_function_wherever_the_stack_runs() -> None:
    main = template("main")

    assert "Condition" not in main.resources["GrabberFunction"]
    given = main.resources["Metadata"]["Properties"]["Parameters"]
    assert given["GrabberFunction"] == {"Fn::GetAtt": ["GrabberFunction", "Outputs.FunctionName"]}
    (image,) = [each for name, each in main.body["Parameters"].items() if name == "WorkerImage"]
    assert re.fullmatch(image["AllowedPattern"], "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/keep/worker:1")
    assert not re.fullmatch(image["AllowedPattern"], "registry.example/keep/worker:1"), "Lambda takes it from ECR alone"


def test_main_gives_each_nested_template_exactly_the_parameters_it_has() -> None:
    for logical, each in template("main").resources.items():
        given = set(each["Properties"]["Parameters"])
        assert given == set(template(_nested_of(logical)).body["Parameters"]), logical


def test_each_output_that_main_takes_is_one_that_its_template_gives() -> None:
    asked = 0
    for logical, outputs in _asked_outputs():
        given = template(_nested_of(logical)).body.get("Outputs", {})
        assert outputs in given, f"{logical} has no output {outputs}"
        asked += 1
    assert asked > 40


def _asked_outputs() -> list[tuple[str, str]]:
    text = (FOLDER / "main.yaml").read_text()
    return re.findall(r"!GetAtt (\w+)\.Outputs\.(\w+)", text)


def test_each_output_of_a_nested_template_is_of_use_to_main() -> None:
    taken = {(_nested_of(logical), output) for logical, output in _asked_outputs()}
    given = {(name, output) for name in NESTED for output in template(name).body.get("Outputs", {})}

    assert given == taken


def test_each_parameter_of_main_has_a_label_a_group_a_description_and_a_default_that_deploys() -> None:
    body = template("main").body
    interface = body["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]

    assert sorted(grouped) == sorted(body["Parameters"]) == sorted(interface["ParameterLabels"])
    for name, parameter in body["Parameters"].items():
        assert parameter["Description"], name
        assert "AllowedPattern" in parameter or "AllowedValues" in parameter or parameter["Type"] != "String", name
        if name not in ("TemplateBase", "GatewayImage", "ServicesImage", "WorkerImage"):
            assert "Default" in parameter, name
            for pattern in filter(None, [parameter.get("AllowedPattern")]):
                assert re.fullmatch(pattern, str(parameter["Default"])), name


@pytest.mark.parametrize("name", NAMES)
def test_a_template_names_no_partition_and_no_endpoint_of_one(name: str) -> None:
    body = template(name).body
    texts = [str(each) for each in leaves([body["Resources"], body.get("Outputs", {})])]

    # Service principals are spelled so in every partition.
    named = [text for text in texts if not re.fullmatch(r"[a-z-]+\.amazonaws\.com", text)]
    assert [text for text in named if re.search(r"arn:aws\b|\.amazonaws\.com", text)] == []


def test_the_function_at_cloudfront_is_the_one_that_the_contract_tests_run() -> None:
    assert inlined((FOLDER / "delivery.yaml").read_text()) == FUNCTION.read_text(), (
        "copy it: python -m tests.aws.inlined --write"
    )


def test_the_function_is_small_enough_for_cloudfront() -> None:
    assert len(FUNCTION.read_bytes()) <= 10 * 1024
