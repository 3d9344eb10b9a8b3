# From a file to a changed host.
forget_log
ask plan "$dir/web.yaml"
it "a plan is a list of what comes, changes and goes" ends_with 0
it "what comes" shows "+ create bridge web"
it "what changes" shows "~ change eth0: mtu 1500 becomes 9000"
it "what goes, and why" shows "- remove vlan eth0.7                  no network is on it any more"
it "and how much it is" says "3 steps: 1 to create, 1 to change, 1 to remove"
it "nothing was done" logged 'map(.method) | index("Host.setupNetworks") == null'
ask apply --dry-run "$dir/web.yaml" --json
it "a dry run is a plan" json_has '.steps | length == 3'
it "and does nothing" logged 'map(.method) | index("Host.setupNetworks") == null'

ask apply "$dir/web.yaml"
it "without --yes and nobody to ask nothing is done" ends_with 2
it "and it says how" says "try: netctl apply --yes"
it "really nothing" logged 'map(.method) | index("Host.setupNetworks") == null'

forget_log
ask apply --yes "$dir/web.yaml"
it "with --yes it is done" ends_with 0
it "and confirmed" says "done and confirmed (revision 8)"
it "with the hint that it is not kept" says "try: netctl commit"
it "YAML became JSON" logged 'map(select(.method == "Host.setupNetworks"))[0].params.networks == {web: {nic: "eth0", vlan: 100, bridged: "yes"}}'
it "the confirmation came over another connection than the request" logged '(map(select(.method == "Host.setupNetworks"))[0].who) as $asker | map(select(.method == "Host.confirmConnectivity")) | length >= 1 and all(.who != $asker)'
it "each over one of its own" logged 'map(select(.method == "Host.confirmConnectivity").who) | length == (unique | length)'
ask status
it "what is not kept over the next boot is nowhere called committed" [ -n "$(grep '^last change  done (' "$dir/out")" -a -z "$(grep '^last change  committed' "$dir/out")" ]
ask apply -y "$dir/web.yaml" --json --commit --confirm-within 90s
it "with --json the end is one document with the plan in it" json_has '.changed and (.steps | length) == 3 and .outcome == "committed"'
it "what the line says goes before what the file says" logged 'map(select(.method == "Host.setupNetworks"))[-1].params.options == {commitOnSuccess: true, connectivityTimeout: 90}'
ask definitions
it "the definitions are a document" json_has '. == {networks: {web: {nic: "eth0", vlan: 100, mtu: 1500}}, bondings: {}}'
it "over as many lines as please who changes it" [ "$(wc -l <"$dir/out")" -gt 3 ]
"$netctl" definitions | "$netctl" apply - >"$dir/out" 2>"$dir/words"; status=$? out=$(<"$dir/out") words=$(<"$dir/words")
it "which apply takes" ends_with 0
it "and which changes nothing" says "nothing was changed"
ask definitions --committed --json
it "those that are committed may be others" json_has '.networks | keys == ["old", "web"] and .web.vlan == 101'
ask apply "$dir/same.yaml"
it "nothing to do asks nobody" ends_with 0
it "and says so" says "nothing was changed"
printf '{"networks": {"web": {"nic": "eth0"}}}' >"$dir/plain"
"$netctl" apply --yes - <"$dir/plain" >"$dir/out" 2>"$dir/words"; status=$? out=$(<"$dir/out") words=$(<"$dir/words")
it "a file may come in by a pipe" ends_with 0

on_terminal y apply "$dir/web.yaml"
it "a person is asked" shows "Apply these 3 steps? [y/N]"
it "and his yes counts" ends_with 0
it "he sees colours" shows $'\033[32m+ create'
forget_log
on_terminal n apply "$dir/web.yaml"
it "his no counts too" ends_with 1
it "and changes nothing" logged 'map(.method) | index("Host.setupNetworks") == null'
on_terminal n apply "$dir/long.yaml"
it "however long a step is, he sees all of it before he is asked" shows "~ change bond0: fail_over_mac none becomes active, primary nothing becomes"
it "with its reason on a line of its own" shows $'\r\n    \033[2mnetworks web and db want it'
it "and the reasons of all others" shows "no network is on it any more"

ask apply --yes "$dir/bad.yaml"
it "what is wrong is rejected with 4" ends_with 4
it "with its subject, its place and its line, and what to try" says "netctl: network \"bad\": VLAN 100 on eth0 is already used by network \"db\" (networks/bad/vlan in $dir/bad.yaml, line 5)"
it "every fault at once, where it is missing at its network" says "an MTU is 68 to 65521 (networks/bad/mtu in $dir/bad.yaml, line 3) · try: netctl networks"
ask apply --yes "$dir/bad.json"
it "lines are known of JSON, too" says "line 3)"
ask plan "$dir/bad.yaml" --json
it "scripts get every complaint" json_has '.error.exit == 4 and .error.code == 26 and (.error.complaints | length) == 2 and .error.complaints[0].path == "/networks/bad/vlan"'
ask apply --yes "$dir/refused.yaml"
it "what the host refuses is rolled back: 5" ends_with 5
it "with the host's words" says "rolled back: web: Device or resource busy"
ask apply --yes --confirm-within 1s "$dir/lonely.yaml"
it "what nobody could confirm is rolled back: 5" ends_with 5
it "and it says why" says "rolled back: connectivity: nobody confirmed the change in time · try: netctl status"
on_terminal "" status
it "what went wrong is told to its end on a terminal, too" shows " UTC)"
ask apply --yes "$dir/cut.yaml"
it "a change that cuts its own connection is confirmed over the next one" ends_with 0
it "and its end is known" says "done and confirmed"
touch "$dir/read-only"
ask apply --yes "$dir/web.yaml"
it "who may not change ends with 13" ends_with 13
it "with the group that may" says "group netd-admin"
rm "$dir/read-only"
ask commit
it "commit keeps it" ends_with 0
ask confirm
it "confirm with nothing to confirm ends with 1" ends_with 1
it "and says so" says "nothing waits for a confirmation"
"$netctl" apply --yes --confirm-within 60s "$dir/lonely.yaml" &>/dev/null &
lonely=$!
for ((try = 0; try < 1200; try++)); do
    ask status
    [[ $out == *"3 is waiting"* ]] && break
    read -rt 0.05 <> <(:)
done
it "status says what to do about what waits" says "a change waits to be confirmed · try: netctl confirm, or netctl rollback"
ask definitions
it "definitions leave out the number of what waits, which no file may have" json_has 'keys == ["bondings", "networks"]'
ask confirm
it "confirm of what only an engine may confirm ends with 1" ends_with 1
it "and says that something waits, and for whom" says "not confirmed: what an engine asked for over TCP is confirmed over TCP only (transaction 3)"
ask commit
it "who comes while a change waits is told what he waits for" says "change 3 waits to be confirmed, 12 s at most, and what is asked for now begins after it · try: netctl confirm, or netctl rollback"
touch "$dir/takes-back"
ask rollback
rm "$dir/takes-back"
wait "$lonely"

forget_log
ask plug web1 web --vlan 5 --mtu 1400 --isolated
it "plug answers with the port" [ "$status $out" == "0 nic-777777" ]
it "and sends what was said, no more" logged '.[-1].params == {vmId: "web1", nic: {network: "web", kind: "tap", linkActive: true, vlan: 5, mtu: 1400, port_isolated: true}}'
ask plug --filter strict --address 192.0.2.7 --address 2001:db8::7 web1 web
it "addresses of a strict guest go with it" logged '.[-1].params.nic | .filter == "strict" and .filterParameters == ["192.0.2.7", "2001:db8::7"] and .network == "web"'
ask plug web1 none
it "a network that is not there ends with 10" ends_with 10
it "with the way to those that are" says "try: netctl networks"
ask plug web1 web --kind ship
it "a kind that is none ends with 2" ends_with 2
ask unplug web1 52:54:00:aa:00:01
it "unplug" ends_with 0
ask unplug web1 52:54:00:aa:00:99
it "a NIC that is not there ends with 10" ends_with 10

forget_log
printf 'networks: {web: {nic: eth0}}\noptions: {dryRun: "yes"}\n' >"$dir/dry.yaml"
ask apply --yes "$dir/dry.yaml"
it "a file may ask for a dry run itself" logged 'map(.method) | index("Host.setupNetworks") == null'
ask try "-f$dir/dry.yaml" -- touch "$dir/ran"
it "of which try can see nothing" [ "$status" == 4 -a ! -e "$dir/ran" ]
