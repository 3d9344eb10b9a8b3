"""What somebody changes of guests' NICs behind netd's back, by virsh and ovs-vsctl."""

from adopting import change_device, interface
from client import RpcError, says_no
from guest_runner import case
from host import wait_until


@case
def what_libvirt_keeps_apart_stays_apart(host):
    mac, apart = "52:54:00:00:0a:11", "<port isolated='yes'/>"
    machine = host.libvirt.machine("c", devices=interface(mac, ("network", "web"), apart))
    nic = wait_until(lambda: host.nics("c"), 30, "it is not known")[0]
    is_apart = lambda: "isolated on" in host.space.run("bridge", "-d", "link", "show", "dev", nic["port"])
    assert nic["port_isolated"] is True and is_apart(), nic
    host.refuses(56, "VM.updateDevice", {"vmId": "c", "macAddr": mac, "port_isolated": False}, "virsh")
    # What libvirt lets go of is kept apart until netd is told otherwise.
    change_device(host, "c", apart, "")
    wait_until(is_apart, 30, "it is with the others")

    def let_go():
        try:
            return host.client.call("VM.updateDevice", {"vmId": "c", "macAddr": mac, "port_isolated": False})
        except RpcError as error:   # libvirt's word of it has not come yet
            assert error.code == 56 and "virsh" in error.message, error

    wait_until(let_go, 60, "what libvirt once kept apart can't be let go of")
    assert not is_apart()
    machine.kill()
    wait_until(lambda: not host.nics("c"), 30, "it is still known")


@case
def an_mtu_that_somebody_asks_of_open_vswitch_for_libvirts_port_is_put_right(host):
    machine = host.libvirt.machine("c", devices=interface("52:54:00:00:0a:13", ("network", "sdn2")))
    port = wait_until(lambda: host.nics("c"), 30, "it is not known")[0]["port"]
    host.ovs.vsctl("set", "interface", port, "mtu_request=1400")
    wait_until(lambda: host.space.link(port)["mtu"] == 1500 and not any(host.client.call("Host.getDrift").values()), 30, lambda: host.client.call("Host.getDrift"))
    assert not next(row["mtu_request"] for row in host.ovs.rows("Interface") if row["name"] == port)
    machine.kill()
    wait_until(lambda: not host.nics("c"), 30, "it is still known")


@case
def a_guest_that_comes_and_goes_while_a_change_waits_leaves_no_filter(host):
    waits = host.client.send("Host.setupNetworks", {"networks": {"db": {"nic": "eno2", "mtu": 1400}}, "options": {"connectivityCheck": True, "connectivityTimeout": 120}})
    other = host.netd.client()
    wait_until(lambda: other.call("Host.getStatus")["transaction"], 20, "the change does not wait")
    filters = lambda: host.space.run("nft", "list", "map", "bridge", "netd", "ports")
    machine = host.libvirt.machine("c", devices=interface("52:54:00:00:0a:14", ("network", "web")))
    wait_until(lambda: "vnet" in filters(), 30, "nothing filters it")
    machine.kill()
    wait_until(lambda: not host.libvirt.machine_interfaces("c"), 30, "it does not end")
    assert other.call("Host.getStatus")["transaction"], "the change does not wait any more"
    other.call("Host.rollback")
    says_no(lambda: host.client.receive(waits), 10)
    wait_until(lambda: "vnet" not in filters(), 30, "its filter is left")
    wait_until(lambda: not host.nics("c"), 30, "it is still there")   # libvirt tells netd of its end a moment after its end
