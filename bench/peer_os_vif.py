"""os-vif as a compute service drives it: ports of taps that are there already, plugged one after the other. Run by peers.py.

  peer_os_vif.py REMOTE BRIDGE PREFIX COUNT     prints the seconds of each plug; a first one, of PREFIXfirst0, isn't counted
"""

import sys
import tempfile
import time
import uuid

import os_vif
from oslo_config import cfg
from os_vif.objects import instance_info, network, vif
from vif_plug_ovs import privsep


def main(remote, bridge, prefix, count):
    privsep.vif_plug.set_client_mode(False)  # in this process, which is root's, instead of one that it asks
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        print(f"[os_vif_ovs]\novsdb_connection = {remote}", file=conf, flush=True)
        cfg.CONF([], default_config_files=[conf.name])
    os_vif.initialize()
    on = network.Network(id=str(uuid.uuid4()), bridge=bridge)
    guest = instance_info.InstanceInfo(uuid=str(uuid.uuid4()), name="vm")

    def plug(number, device):
        profile = vif.VIFPortProfileOpenVSwitch(interface_id=str(uuid.uuid4()), datapath_type="netdev", create_port=True)
        port = vif.VIFOpenVSwitch(id=str(uuid.uuid4()), address=f"52:54:00:aa:{number >> 8:02x}:{number & 255:02x}", network=on, plugin="ovs",
                                  vif_name=device, bridge_name=bridge, port_profile=profile)
        begun = time.perf_counter()
        os_vif.plug(port, guest)
        return time.perf_counter() - begun

    plug(65535, f"{prefix}first0")  # connects, and makes the bridge
    for number in range(count):
        print(plug(number, f"{prefix}{number}"))


main(*sys.argv[1:4], int(sys.argv[4]))
