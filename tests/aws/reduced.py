"""The templates without what an emulator does not know, so that the rest can be deployed there.

What is left out is proven by assertions only (docs/aws.md, "What only AWS can show").
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from tests.aws.templates import NAMES, Expression, template

UNKNOWN_TO_MINISTACK = frozenset(
    {
        "AWS::ApiGatewayV2::VpcLink",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::Budgets::Budget",
        "AWS::CloudFront::CachePolicy",
        "AWS::CloudFront::Function",
        "AWS::CloudFront::OriginAccessControl",
        "AWS::CloudFront::OriginRequestPolicy",
        "AWS::CloudFront::ResponseHeadersPolicy",
        "AWS::EC2::EIP",
        "AWS::EC2::NatGateway",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::Events::ApiDestination",
        "AWS::Events::Connection",
        "AWS::ServiceDiscovery::PrivateDnsNamespace",
        "AWS::ServiceDiscovery::Service",
        # It answers nobody while it deploys, the function behind these included (test_secrets_function.py runs that).
        "Custom::StreamkeepImport",
        "Custom::StreamkeepSecrets",
    }
)


def reduced(name: str, unknown: frozenset[str] = UNKNOWN_TO_MINISTACK) -> str:
    """Give a template as JSON without resources of these types; what refers to one gets a stand-in."""
    body = template(name).body
    resources = body["Resources"]
    gone = {logical for logical, each in resources.items() if each["Type"] in unknown}
    kept = {logical: _counted(_without(each, gone)) for logical, each in resources.items() if logical not in gone}
    return json.dumps({**body, "Resources": kept, "Outputs": _without(body.get("Outputs", {}), gone)})


def all_reduced(unknown: frozenset[str] = UNKNOWN_TO_MINISTACK) -> dict[str, str]:
    """Give every template so, by its file's name."""
    return {f"{name}.yaml": reduced(name, unknown) for name in NAMES}


def _without(value: Expression, gone: set[str]) -> Expression:
    if isinstance(value, list):
        return [_without(each, gone) for each in value]
    if not isinstance(value, Mapping):
        return value
    if value.get("Ref") in gone:
        return f"absent-{value['Ref']}"
    if "Fn::GetAtt" in value and _named(value["Fn::GetAtt"]) in gone:
        return f"absent-{_named(value['Fn::GetAtt'])}"
    if "Fn::Sub" in value:
        return {"Fn::Sub": _sub_without(value["Fn::Sub"], gone)}
    return {key: _without(each, gone) for key, each in value.items() if not _is_wait(key, each, gone)}


def _counted(resource: Expression) -> Expression:
    """Give a service a number of tasks of its own: ministack does not read one that comes as a parameter."""
    if resource["Type"] == "AWS::ECS::Service":
        resource["Properties"]["DesiredCount"] = 1
    return resource


def _is_wait(key: str, value: Expression, gone: set[str]) -> bool:
    return key == "DependsOn" and isinstance(value, str) and value in gone


def _named(argument: Expression) -> str:
    return str(argument[0] if isinstance(argument, list) else argument.split(".")[0])


def _sub_without(argument: Expression, gone: set[str]) -> Expression:
    text, given = argument if isinstance(argument, list) else (argument, None)

    def found(match: re.Match[str]) -> str:
        return f"absent-{match[1].split('.')[0]}" if match[1].split(".")[0] in gone else match[0]

    text = re.sub(r"\$\{([^}!]+)\}", found, text)
    return text if given is None else [text, _without(given, gone)]
