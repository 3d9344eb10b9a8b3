"""The values that a walk gives to networks and bonds (integration/walk), by chance."""

nics = ("eno1", "eno2", "eno3", "eno4", "eno5")
addressing = ("ipaddr", "prefix", "gateway", "ipv6addr", "ipv6gateway", "ipv6autoconf", "addresses", "routes", "defaultRoute", "nameservers", "search")
tags = (None, 10, 20, 30, 40)
mtus = (1000, 1280, 1300, 1400, 1500, 2000, 4000, 9000)
roles = ("management", "vm", "migration", "display", "storage", "gluster")
bridge_options = ("priority=4096", "ageing_time=10000", "forward_delay=1000 stp_state=0", "multicast_snooping=0", "hello_time=300", "max_age=1900",
                  "multicast_querier=1", "group_fwd_mask=8")
bond_options = ("", "mode=active-backup miimon=100", "mode=balance-rr miimon=100", "mode=4 miimon=100 lacp_rate=1", "mode=balance-xor xmit_hash_policy=layer2+3",
                "mode=active-backup miimon=200 primary={nic}", "mode=balance-tlb", "mode=balance-alb miimon=50", "mode=802.3ad xmit_hash_policy=layer3+4 ad_select=count",
                "mode=broadcast", "mode=active-backup miimon=100 fail_over_mac=active", "mode=active-backup arp_interval=100 arp_ip_target=10.9.9.9",
                "mode=balance-rr miimon=100 updelay=200 downdelay=100")
wrongs = ({"nic": "eno9"}, {"vlan": 5000}, {"mtu": 10}, {"ipaddr": "224.0.0.1", "prefix": 4}, {"colour": 1}, {"routes": [{"to": "192.168.3.0/24", "via": "203.0.113.1"}]})


class Values:
    def __init__(self, random):
        self.random, self.count = random, 0

    def chance(self, share):
        return self.random.random() < share

    def mtu(self):
        return self.random.choice(mtus)

    def wrong(self):
        return self.random.choice(wrongs)

    def address(self, network):
        self.count += 1
        number = self.count % 250   # one that the last 250 have not had
        if self.chance(0.7):
            self.four(network, number)
        if network.get("mtu", 1500) >= 1280:   # IPv6 needs that much
            if self.chance(0.45):
                self.six(network, number)
            elif self.chance(0.15):
                network["ipv6autoconf"] = True

    def four(self, network, number):
        network.update(ipaddr=f"10.{number}.0.10", prefix=24)
        if self.chance(0.6):
            network["gateway"] = f"10.{number}.0.1"
            if self.chance(0.4):
                network["defaultRoute"] = True
                if self.chance(0.5):
                    network["nameservers"] = [f"10.{number}.0.53"]
        if self.chance(0.3):
            network["addresses"] = [f"10.{number}.1.10/24", f"10.{number}.0.11/24"][:self.random.randint(1, 2)]
        if self.chance(0.4):
            network["routes"] = [{"to": f"172.{16 + number % 16}.{number}.0/24", "via": f"10.{number}.0.3"}]

    def six(self, network, number):
        net = f"2001:db8:{number:x}::"
        network["ipv6addr"] = f"{net}10/64"
        if self.chance(0.5):
            network["ipv6gateway"] = self.random.choice((f"{net}1", "fe80::1"))
        if self.chance(0.3):
            network["routes"] = [*network.get("routes", []), {"to": f"2001:db8:f{number:03x}::/64", "via": f"{net}3"}]
        if self.chance(0.2):
            network["addresses"] = [*network.get("addresses", []), f"{net}11/64"]

    def options(self, network):
        if network.get("bridged", True):
            if self.chance(0.2):
                network["stp"] = True
            if self.chance(0.2) and network["switch"] != "ovs":
                network["custom"] = {"bridge_opts": self.random.choice(bridge_options)}
            if self.chance(0.1):
                network["isolated"] = True
        if self.chance(0.25):
            network["roles"] = self.random.sample(roles, self.random.randint(1, 2))

    def share(self):
        limit = {"ul": {"m2": self.random.randint(1, 50) * 1000000}} if self.chance(0.3) else {}
        return {"out": {"ls": {"m2": self.random.randint(1, 90)}, **limit}}

    def bond(self, ports, kind):
        return {"nics": sorted(ports), "options": self.bond_options(ports[0]), "switch": kind}

    def bond_options(self, nic):
        return self.random.choice(bond_options).format(nic=nic)
