from __future__ import annotations

import pytest

from services.domain.errors import GatewayUnavailable
from services.gateway.nginx_client import Stream, read_stat

# Cut from what libnginx-mod-rtmp 1.2.2 answers.
STAT = """<?xml version="1.0" encoding="utf-8" ?>\r
<rtmp><nginx_version>1.22.1</nginx_version><pid>30142</pid>
<server>
<application><name>other</name><live><stream><name>elsewhere</name>
<client><id>9</id><publishing/></client></stream></live></application>
<application><name>stream</name><live>
<stream><name>camera</name><bytes_in>74293</bytes_in>
<client><id>1</id><address>127.0.0.1</address><flashver>x &lt;&amp;</flashver><publishing/><active/></client>
<client><id>4</id><address>127.0.0.1</address><flashver>LNX 9,0,124,2</flashver><active/></client>
<nclients>2</nclients><publishing/><active/></stream>
<stream><name>waiting</name><client><id>5</id></client><nclients>1</nclients></stream>
<nclients>3</nclients></live></application>
</server></rtmp>"""


def test_the_publisher_and_the_players_of_each_stream_are_read() -> None:
    assert read_stat(STAT) == {
        "camera": Stream(publisher="1", players=frozenset({"4"}), bytes_in=74293),
        "waiting": Stream(publisher=None, players=frozenset({"5"})),
    }


def test_an_idle_gateway_has_no_streams() -> None:
    assert read_stat("<rtmp><server><application><name>stream</name><live/></application></server></rtmp>") == {}


@pytest.mark.parametrize(
    "document",
    ["", "stat", "<rtmp>", "<rtmp>\x01</rtmp>", '<!DOCTYPE r [<!ENTITY a "b">]><rtmp>&a;</rtmp>'],
    ids=["empty", "text", "cut", "control", "entity"],
)
def test_what_is_not_nginxs_xml_means_that_the_gateway_does_not_answer(document: str) -> None:
    with pytest.raises(GatewayUnavailable):
        read_stat(document)
