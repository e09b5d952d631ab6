"""The CloudFormation templates as data, and what their expressions come to with the parameters of a sample stack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped] # it has no types

from tests.aws.sample import ABSENT, PSEUDO, SAMPLE

Expression: TypeAlias = Any
"""What YAML holds."""

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "cloudformation"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
NESTED = tuple(name for name in NAMES if name not in ("main", "bootstrap"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One file, with values for its parameters."""

    name: str
    body: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """What it makes, by logical id, as written."""
        found: Mapping[str, Mapping[str, Any]] = self.body["Resources"]
        return found

    def of(self, *types: str) -> dict[str, dict[str, Any]]:
        """Give the evaluated properties of the resources of these types, by logical id."""
        return {
            name: self.value(each.get("Properties", {}))
            for name, each in self.resources.items()
            if each["Type"] in types
        }

    def value(self, expression: Expression) -> Expression:
        """Give what an expression comes to; what only AWS knows comes to a stand-in of the right form."""
        if isinstance(expression, Mapping):
            if len(expression) == 1:
                (name, argument), *_ = expression.items()
                if name == "Ref":
                    return self._ref(argument)
                if name.startswith("Fn::"):
                    return getattr(self, f"_{name[4:].lower()}")(argument)
            pairs = ((key, self.value(each)) for key, each in expression.items())
            return {key: each for key, each in pairs if each is not ABSENT}
        if isinstance(expression, list):
            return [each for each in map(self.value, expression) if each is not ABSENT]
        return expression

    def holds(self, condition: Expression) -> bool:
        """Say whether a condition, or the named one, holds."""
        if isinstance(condition, str):
            return self.holds(self.body["Conditions"][condition])
        ((name, argument),) = condition.items()
        if name == "Fn::Equals":
            return bool(self.value(argument[0]) == self.value(argument[1]))
        if name == "Condition":
            return self.holds(argument)
        parts = [self.holds(each) for each in argument]
        judged: dict[str, bool] = {"Fn::Not": not parts[0], "Fn::And": all(parts), "Fn::Or": any(parts)}
        return judged[name]

    def _ref(self, name: str) -> Expression:
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.resources:
            return _stand_in(name, self.resources[name]["Type"], "Ref")
        if name in self.parameters:
            return self.parameters[name]
        parameter = self.body["Parameters"][name]
        return parameter.get("Default", parameter.get("MinValue", f"<{name}>"))

    def _getatt(self, argument: Expression) -> Expression:
        name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
        return _stand_in(name, self.resources[name]["Type"], attribute)

    def _sub(self, argument: Expression) -> str:
        text, given = argument if isinstance(argument, list) else (argument, {})

        def found(match: re.Match[str]) -> str:
            name = match[1]
            if name in given:
                return str(self.value(given[name]))
            return str(self._getatt(name) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^}!]+)\}", found, text)

    def _if(self, argument: Expression) -> Expression:
        return self.value(argument[1 if self.holds(argument[0]) else 2])

    def _select(self, argument: Expression) -> Expression:
        return self.value(argument[1])[int(argument[0])]

    def _split(self, argument: Expression) -> list[str]:
        return str(self.value(argument[1])).split(argument[0])

    def _join(self, argument: Expression) -> str:
        return str(argument[0]).join(map(str, self.value(argument[1])))

    def _getazs(self, _: Expression) -> list[str]:
        return ["eu-central-1a", "eu-central-1b", "eu-central-1c"]

    def _cidr(self, argument: Expression) -> list[str]:
        return [f"{self.value(argument[0])}#{place}" for place in range(int(argument[1]))]

    def _findinmap(self, argument: Expression) -> Expression:
        name, first, second = map(self.value, argument)
        return self.body["Mappings"][name][first][second]


_ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SQS::Queue": "arn:aws:sqs:eu-central-1:123456789012:{}",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:{}-a1b2c3",
    "AWS::Events::ApiDestination": "arn:aws:events:eu-central-1:123456789012:api-destination/{}/0a0a0a0a",
    "AWS::Events::Rule": "arn:aws:events:eu-central-1:123456789012:rule/{}",
    "AWS::SNS::Topic": "arn:aws:sns:eu-central-1:123456789012:{}",
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/{}",
}
_REF_IS_ARN = ("AWS::SecretsManager::Secret", "AWS::SNS::Topic")


def _stand_in(name: str, kind: str, attribute: str) -> str:
    spelled = name.lower()
    if (kind, attribute) == ("AWS::SQS::Queue", "Ref"):
        return f"https://sqs.eu-central-1.amazonaws.com/123456789012/{spelled}"
    if kind in _ARNS and (attribute == "Arn" or (attribute == "Ref" and kind in _REF_IS_ARN)):
        return _ARNS[kind].format(spelled)
    return spelled if attribute == "Ref" else f"<{name}.{attribute}>"


@cache
def _body(name: str) -> Mapping[str, Any]:
    body: Mapping[str, Any] = cfn_yaml.load(str(FOLDER / f"{name}.yaml"))
    return body


def template(name: str, **parameters: Expression) -> Template:
    """Give one template, with the sample's parameters and these."""
    return Template(name=name, body=_body(name), parameters={**SAMPLE, **parameters})


def every_resource(*types: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give `template/LogicalId` and the evaluated properties of every resource of these types."""
    for name in NAMES:
        for logical, properties in template(name).of(*types).items():
            yield f"{name}/{logical}", properties


def leaves(value: Expression) -> Iterator[Expression]:
    """Give every text and number within."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield key
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)
    else:
        yield value
