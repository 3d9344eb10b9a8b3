# What is there, for people and for scripts.
start_fake

ask networks
it "networks come as a table" ends_with 0
it "with a heading" shows "NETWORK"
it "with what is in sync" shows "in sync"
it "and what is not" shows "DRIFT"
it "without colour where nobody looks" hides $'\033'
ask networks --json
it "the same for scripts, by iproute2's names" json_has '.[] | select(.network == "web") | .ifname == "web" and .vlan == 100 and .addr_info[0] == {family: "inet", local: "192.0.2.10", prefixlen: 24} and .link == "eth0"'
it "empty lists are lists" json_has 'map(select(.network == "db"))[0].addr_info == []'
ask networks web --json
it "one is still a list" json_has 'length == 1'
ask networks nowhere
it "a network that is not there ends with 10" ends_with 10
it "and is named" says 'there is no network "nowhere"'

ask networks storage --json
it "one whose device is gone is there all the same" json_has 'length == 1 and (.[0] | .network == "storage" and .link == "eno2" and .vlan == 7 and .operstate == "MISSING" and .roles == ["migration"] and .in_sync == false)'
ask networks
it "and the table says so" grep -q '^storage  *missing  *eno2  *7 ' "$dir/out"
on_terminal "" networks
it "addresses are seen on 80 columns" shows "192.0.2.10/24"
it "what is cut is marked" shows "…"
LC_ALL=C on_terminal "" networks
it "for a terminal of ASCII by a mark of ASCII" bash -c '[[ $1 == *"~"* ]] && ! LC_ALL=C grep -q "[^[:print:][:cntrl:]]" <<<"$1"' _ "$out"
LC_ALL=C on_terminal "" status
it "which words keep to, too" bash -c '[[ $1 == *" - try: "* ]] && ! LC_ALL=C grep -q "[^[:print:][:cntrl:]]" <<<"$1"' _ "$out"

ask links --json
it "links have iproute2's names" json_has '.[] | select(.ifname == "eth0") | .operstate == "UP" and .mtu == 1500 and .address == "52:54:00:00:00:01" and .stats64.rx.bytes == 1500000'
it "ports know their master" json_has '(.[] | select(.ifname == "eth1")).master == "bond0" and (.[] | select(.ifname == "eth0.100")).master == "web"'
it "an MTU that came as a text is a number" json_has '.[] | select(.ifname == "eth1") | .mtu == 1500'
it "a VLAN knows what it is on" json_has '.[] | select(.ifname == "eth0.100") | .link == "eth0" and .linkinfo == {info_kind: "vlan", info_data: {id: 100}}'
ask links
it "speeds and traffic are short for people" shows "1.5M"

ask vm
it "NICs of guests are listed" shows "nic-1a2b3c"
it "a guest can't move the cursor" hides $'\033'
it "his name is shown escaped" shows 'evil\x1b[2J\xe2\x80\xae'
ask vm --json
it "for scripts too, and the name comes back whole" json_has '.[1].vmId == "evil\u001b[2J\u202e" and .[1].address == "52:54:00:aa:00:02"'
it "as plain ASCII" bash -c '! LC_ALL=C grep -q "[^ -~]" "$1"' _ "$dir/out"
ask vm web1 --json
it "one guest's only" json_has 'map(.vmId) == ["web1"]'
ask vm 0b4d5f3e-6a51-4d6b-9f5c-2f1f4a0c7e11 --json
it "by his UUID too" json_has 'map(.vmId) == ["web1"]'
ask vm nobody
it "a guest that is not there ends with 10" ends_with 10
it "by name" says 'there is no guest with a NIC called "nobody"'

ask why nic-1a2b3c
it "why tells what a port may not send" shows "filter standard: no VLAN tags"
it "and what was dropped" shows "2 dropped: "
ask why 52:54:00:AA:00:01
it "it knows a MAC in capitals" shows "nic-1a2b3c is NIC 52:54:00:aa:00:01"
ask why nic-4d5e6f
it "a filter of which netd says nothing may stand or not" shows "filter standard: whether it stands is not known now · try: netctl status"
ask why nic-7a8b9c
it "on no network, copies of what it mirrors are all that passes" shows "nothing passes but the copies that it gets"
ask why web
it "it tells what the host takes from a network" shows "web is the device of network"
ask why storage
it "of one whose device is gone, that" shows 'the device of network "storage" is missing: nothing reaches the host by it'
it "which is an answer" ends_with 0
ask why eno2.7 --json
it "by its device too, for scripts" json_has '.network == "storage" and .device == "eno2.7" and .roles == ["migration"] and .operstate == "MISSING"'
ask why db
it "where the host has no address nothing of it answers, ping neither" shows "the host has no address there, so nothing of it answers"
ask why web1
it "of a guest it tells each of his NICs" shows "nic-1a2b3c is NIC 52:54:00:aa:00:01 of guest"
ask why $'evil\x1b[2J\u202e'
it "however many there are" [ "$status" == 0 -a "$(grep -c ' is NIC ' "$dir/out")" == 2 ]
ask why 0b4d5f3e-6a51-4d6b-9f5c-2f1f4a0c7e11 --json
it "by his UUID too, for scripts as a list" json_has 'map(.port) == ["nic-1a2b3c"]'
ask why ""
it "no name is none" ends_with 2
ask why nowhere
it "what is nothing of all this ends with 10" ends_with 10

ask lldp
it "lldp tells the switch and its port" grep -q '^eth0  *sw1.example  *Gi1/0/7  *100  *192.0.2.254  *to host 7$' "$dir/out"
it "of one without a name his chassis" grep -q '^eth1  *52:54:00:ff:00:01  *swp1  ' "$dir/out"
it "where nobody listens, why" shows "nobody listens: Operation not permitted"
it "and who is silent is that" grep -q '^eth3  *nobody was heard  ' "$dir/out"
ask lldp eth0 --json
it "for scripts it is a list, as all are" json_has 'length == 1 and .[0].ifname == "eth0" and .[0].enabled and .[0].tlvs[0].properties["system name"] == "sw1.example"'
ask lldp bond0
it "what is no NIC ends with 10" ends_with 10

ask topology
it "the picture is a tree" shows "eth0"
it "with what is wrong" shows "DRIFT mtu is 1500, wanted 9000"
it "without the guest's cursor" hides $'\033'
it "it says that there is more than it understands" says "1 of what there is this netctl does not know"
ask topology --json
it "as a document it is netd's own" json_has '.nodes | length == 8'
ask topology --network web --json
it "a part of it for scripts" json_has '.nodes | map(.id) == ["network:web"]'
ask topology --network nowhere
it "a part that is not there ends with 10" ends_with 10
ask topology --dot
it "for graphviz" shows "graph"
ask topology --svg
it "for a browser" shows "<svg"
it "with no guest's markup or cursor in it" hides $'\033'
ask topology --dot --svg
it "one picture at a time" ends_with 2

ask diff
it "drift ends with 6" ends_with 6
it "by attribute, wanted and found" shows "mtu        9000    1500"
it "with what is not committed" shows "~ network web"
it "what the boot would bring back" shows "- network old"
ask diff --json
it "for scripts" json_has '.drift == [{kind: "network", name: "db", subject: "db", attribute: "mtu", wanted: "9000", found: "1500"}] and (.uncommitted | map(.change)) == ["removed", "changed"]'

ask status
it "status ends with 6 while there is drift" ends_with 6
it "shows how long it has run" shows "up 1d 2h"
it "what the kernel lacks" shows "no bond"
it "and in its first line what is not well" [ "${out%%$'\n'*}" == "host         1 not as defined" ]
it "what is not as defined" shows "not as defined: db"
it "counters that say something" shows "server.received 12"
it "and no others" hides malformed
it "what is not committed has its next step" says "not committed: gone with the next boot · try: netctl commit"
ask status --json
it "for scripts" json_has '.version == "0.1.0" and (.deviations | map(.attribute)) == ["mtu"] and .drift == {policy: "repair", contested: []}'
touch "$dir/in-sync"
ask status
it "all well ends with 0" ends_with 0
it "and begins with that" [ "${out%%$'\n'*}" == "host         all is well" ]
ask diff
it "no drift ends with 0" ends_with 0
it "and says so" says "the host is as it is defined"
touch "$dir/degraded"
ask status
it "trouble ends with 1" ends_with 1
it "and is told" shows "web: the way back is blocked"
rm "$dir/degraded"
touch "$dir/down"
ask status
it "a network that is down ends with 1" ends_with 1
it "with all that may have befallen it" shows "web: without carrier, set down or missing: netctl topology --problems"
rm "$dir/in-sync" "$dir/down"

ask __names nets
it "the completion learns the names of networks" [ "$out" == $'db\nweb' ]
ask __names vms
it "but not those that would need escaping" [ "$out" == web1 ]
it "Tab finds verbs" [ "$(complete_with netctl top)" == topology ]
it "Tab finds networks" [ "$(complete_with netctl networks w)" == web ]
it "Tab finds a guest, then a network" [ "$(complete_with netctl plug web1 d)" == db ]
it "Tab finds options of the verb" [ "$(complete_with netctl apply --dry)" == --dry-run ]
it "Tab finds ports, networks and guests, of which why can tell" [ "$(complete_with netctl why "")" == "nic-1a2b3c nic-4d5e6f nic-7a8b9c db web web1" ]
it "Tab finds NICs, and not what stands on them" [ "$(complete_with netctl lldp "")" == "eth0 eth1" ]
it "Tab finds them after a place, which the shell breaks at its colons" [ "$(complete_with netctl --control ipc : ///run/netd/control lldp eth1)" == eth1 ]
it "Tab finds what comes after =" [ "$(complete_with netctl --color = al)" == always ]
