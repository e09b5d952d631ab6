"""Who may reach whom: the ports between the security groups, and what is open to the world."""

from __future__ import annotations

import re
from typing import Any

from tests.aws.templates import Template, every_resource, template

WORLD = "0.0.0.0/0"
EGRESS_TO_THE_WORLD = {
    "GatewayGroup": "sources of channels are anywhere, on any port",
    "WorkerGroup": "443, AWS's APIs and registries",
    "MetadataGroup": "443, AWS's APIs and registries",
    "ReconcilerGroup": "443, AWS's APIs and registries",
    "DispatcherGroup": "webhooks and brokers are anywhere, on any port",
}

CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/0a0a0a0a"
NETWORK = template(
    "network", ExistingVpcId="", Nat="no", PublishCidr=WORLD, CertificateArn=CERTIFICATE, ZoneA="", ZoneB=""
)
GROUPS = NETWORK.of("AWS::EC2::SecurityGroup")


def _ports(rule: dict[str, Any]) -> tuple[str, int, int]:
    return rule["IpProtocol"], rule.get("FromPort", 0), rule.get("ToPort", 0)


def _ingress(network: Template = NETWORK) -> set[tuple[str, int, str]]:
    """Give who (a group or a network) reaches which port of whom."""
    inline = [
        (rule.get("SourceSecurityGroupId", rule.get("CidrIp")), rule, name.lower())
        for name, group in network.of("AWS::EC2::SecurityGroup").items()
        for rule in group.get("SecurityGroupIngress", [])
    ]
    apart = [
        (rule.get("SourceSecurityGroupId", rule.get("CidrIp")), rule, rule["GroupId"])
        for name, rule in network.of("AWS::EC2::SecurityGroupIngress").items()
        if "Condition" not in network.resources[name] or network.holds(network.resources[name]["Condition"])
    ]
    for _, rule, _ in [*inline, *apart]:
        assert rule["FromPort"] == rule["ToPort"]
        assert rule["IpProtocol"] == "tcp"
    return {(source, rule["FromPort"], target) for source, rule, target in [*inline, *apart]}


def test_only_publishers_come_from_the_world() -> None:
    assert {(port, target) for source, port, target in _ingress() if source == WORLD} == {
        (1935, "balancergroup"),
        (443, "balancergroup"),
    }


def test_without_a_certificate_443_is_closed_too() -> None:
    bare = template("network", ExistingVpcId="", PublishCidr=WORLD, CertificateArn="")

    assert {(port, target) for source, port, target in _ingress(bare) if source == WORLD} == {(1935, "balancergroup")}


def test_descriptions_have_the_letters_that_ec2_takes() -> None:
    """An apostrophe is not among them, and only EC2 itself would say so, in the middle of a deploy."""
    rules = {**NETWORK.of("AWS::EC2::SecurityGroupIngress"), **NETWORK.of("AWS::EC2::SecurityGroupEgress")}
    inline = [
        rule
        for group in GROUPS.values()
        for kind in ("Ingress", "Egress")
        for rule in group.get(f"SecurityGroup{kind}", [])
    ]
    said = [rule["Description"] for rule in [*inline, *rules.values()]]
    said += [group["GroupDescription"] for group in GROUPS.values()]

    assert [text for text in said if not re.fullmatch(r"[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}", text)] == []


def test_each_port_inside_is_open_to_the_groups_that_need_it() -> None:
    inside = {each for each in _ingress() if each[0] != WORLD}

    assert inside == {
        ("balancergroup", 1935, "gatewaygroup"),  # publishers
        ("workergroup", 1935, "gatewaygroup"),  # worker/gateway_address.py: what ffmpeg pulls
        ("gatewaygroup", 1935, "gatewaygroup"),  # gateway/neighbours.py: whether nginx there is dead, too
        ("balancergroup", 8002, "gatewaygroup"),  # health checks, /nlb
        ("workergroup", 8002, "gatewaygroup"),  # worker/catching_up/backlog.py, worker/succession/hand_over.py
        ("metadatagroup", 8002, "gatewaygroup"),  # metadata/gateway_client.py: /refresh, /metrics, /readyz
        ("gatewaygroup", 8002, "gatewaygroup"),  # gateway/neighbours.py: /connections, /drop
        ("gatewaygroup", 8004, "workergroup"),  # gateway/{workers,gathering}.py, adapters/pooled_launcher.py: /claim
        ("metadatagroup", 8004, "workergroup"),  # metadata/snapshot_taking.py
        ("reconcilergroup", 8004, "workergroup"),  # adapters/pooled_launcher.py: /claim
        ("workergroup", 8004, "workergroup"),  # worker/succession/standby.py: names a keyframe to the one that leaves
        ("linkgroup", 8000, "metadatagroup"),  # the HTTP API
    }


def test_nginxs_own_pages_are_reached_by_nobody() -> None:
    assert 8001 not in {port for _, port, _ in _ingress()}
    gateway = template("gateway").of("AWS::ECS::TaskDefinition")["Task"]
    mapped = [each["ContainerPort"] for one in gateway["ContainerDefinitions"] for each in one["PortMappings"]]
    assert sorted(mapped) == [1935, 8002]


def test_whom_a_group_lets_in_that_one_is_let_out_to() -> None:
    egress = {
        (name.lower(), rule["FromPort"], rule["DestinationSecurityGroupId"])
        for name, group in GROUPS.items()
        for rule in group["SecurityGroupEgress"]
        if "DestinationSecurityGroupId" in rule
    } | {
        (rule["GroupId"], rule["FromPort"], rule["DestinationSecurityGroupId"])
        for rule in NETWORK.of("AWS::EC2::SecurityGroupEgress").values()
    }
    inside = {each for each in _ingress() if each[0] != WORLD}

    assert egress == {each for each in inside if each[0] != "gatewaygroup"}, "the gateway's may reach everything"


def test_a_group_that_may_reach_the_world_stands_in_the_list_with_its_reason() -> None:
    reaching = {
        name: [_ports(rule) for rule in group["SecurityGroupEgress"] if rule.get("CidrIp") == WORLD]
        for name, group in GROUPS.items()
    }

    assert {name for name, ports in reaching.items() if ports} == set(EGRESS_TO_THE_WORLD)
    for name in ("WorkerGroup", "MetadataGroup", "ReconcilerGroup"):
        assert reaching[name] == [("tcp", 443, 443)]


def test_no_group_has_the_egress_rule_that_aws_adds_where_there_is_none() -> None:
    assert [name for name, group in GROUPS.items() if not group["SecurityGroupEgress"]] == []


def test_there_is_no_way_in_from_the_world_but_load_balancer_api_and_cloudfront() -> None:
    balancers = dict(every_resource("AWS::ElasticLoadBalancingV2::LoadBalancer"))
    assert sorted(balancers) == ["gateway/Balancer"]
    assert sorted(name for name, _ in every_resource("AWS::ApiGatewayV2::Api")) == ["api/Api"]
    assert sorted(name for name, _ in every_resource("AWS::CloudFront::Distribution")) == ["delivery/Distribution"]
    assert list(every_resource("AWS::Lambda::Url", "AWS::Lambda::Permission")) == []


def test_every_subnet_of_tasks_holds_thousands() -> None:
    subnets = NETWORK.of("AWS::EC2::Subnet")

    # A /16 in four parts of 14 bits each.
    assert {each["CidrBlock"].split("#")[0] for each in subnets.values()} == {"<VpcCidr>"}
    assert all(
        each["Properties"]["CidrBlock"]["Fn::Select"][1]["Fn::Cidr"][1:] == [4, 14]
        for each in NETWORK.resources.values()
        if each["Type"] == "AWS::EC2::Subnet"
    )


def test_no_subnet_gives_addresses_to_whatever_is_put_there() -> None:
    assert not any("MapPublicIpOnLaunch" in each for each in NETWORK.of("AWS::EC2::Subnet").values())


def test_media_and_state_go_past_nat_and_the_world() -> None:
    endpoints = NETWORK.of("AWS::EC2::VPCEndpoint").values()

    assert {each["ServiceName"].rpartition(".")[2] for each in endpoints} == {"s3", "dynamodb"}
    assert {each["VpcEndpointType"] for each in endpoints} == {"Gateway"}


def test_an_existing_vpc_is_used_as_it_is() -> None:
    given = template(
        "network",
        ExistingVpcId="vpc-0a0a0a0a",
        ExistingPublicSubnetIds="subnet-0a0a0a0a,subnet-0b0b0b0b",
        ExistingTaskSubnetIds="subnet-0c0c0c0c,subnet-0d0d0d0d",
        ZoneA="eu-central-1a",
        ZoneB="eu-central-1b",
        Nat="yes",
    )
    made = {
        each["Type"] for each in given.resources.values() if "Condition" not in each or given.holds(each["Condition"])
    }
    outputs = {name: given.value(each["Value"]) for name, each in given.body["Outputs"].items()}

    assert made == {"AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"}
    assert outputs["TaskSubnetsByZone"] == "eu-central-1a=subnet-0c0c0c0c,eu-central-1b=subnet-0d0d0d0d"
    assert outputs["VpcId"] == "vpc-0a0a0a0a"


def test_behind_nat_tasks_are_in_private_subnets_and_without_in_public_ones() -> None:
    def zones(nat: str) -> str:
        network = template("network", ExistingVpcId="", Nat=nat, ZoneA="", ZoneB="")
        return str(network.value(network.body["Outputs"]["TaskSubnetIds"]["Value"]))

    assert zones("yes") == "privatesubneta,privatesubnetb"
    assert zones("no") == "publicsubneta,publicsubnetb"
