"""A client that is not Python: C, with libzmq alone."""

import json

from agree import agree
from host import checkout, run
from runner import case


def ask(host, method, params):
    """What the C client gets for it; it is built once a host."""
    program = host.folder / "client"
    if not program.exists():
        run("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", program, checkout / "integration/client.c", "-lzmq")
    answer = json.loads(run(program, host.netd.control, method, text=json.dumps(params)))
    assert answer["jsonrpc"] == "2.0" and answer["id"] == "from C", answer
    return answer


@case()
def definitions_are_pushed_and_read_in_c(host):
    mgmt = {"nic": "eno1", "ipaddr": "192.0.2.10", "netmask": "255.255.255.0", "gateway": "192.0.2.1", "defaultRoute": "true"}
    answer = ask(host, "Host.setupNetworks", {"networks": {"ovirtmgmt": mgmt, "lan": {"mtu": "1400"}}, "options": {"connectivityCheck": "false"}})
    assert answer["result"]["changed"] is True, answer
    agree(host)
    assert ask(host, "Host.getNetworkCapabilities", {})["result"]["networks"]["ovirtmgmt"]["addr"] == "192.0.2.10"
    refused = ask(host, "Host.setupNetworks", {"networks": {"web": {"nic": "eno9"}}})["error"]
    assert refused["code"] == 23 and refused["data"][0]["path"] == "/networks/web/nic", refused
