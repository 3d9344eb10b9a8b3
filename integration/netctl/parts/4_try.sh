# A change that a program judges.
forget_log
ask try -f "$dir/web.yaml" -- sh -c "cp '$dir/log' '$dir/log-then'; exit 0"
it "a command that succeeds keeps the change" ends_with 0
it "nothing was confirmed before it had ended" bash -c '! grep -q confirmConnectivity "$1/log-then" && grep -q setupNetworks "$1/log-then"' _ "$dir"
it "it was confirmed then" logged 'map(.method) | index("Host.confirmConnectivity") != null'
forget_log
ask try --confirm-within 5s -f "$dir/web.yaml" -- sh -c 'echo looked; exit 7'
it "a command that fails lets it go back: 5" ends_with 5
it "what it says comes through" shows looked
it "and it says why" says '"CMD": it ended with 7; it was taken back'
it "nothing was confirmed" logged 'map(.method) | index("Host.confirmConnectivity") == null'
ask try --confirm-within 1s -f "$dir/web.yaml" -- sh -c 'read -t 3 <> <(:) 2>/dev/null || sleep 3'
it "a command that thinks too long finds it taken back: 5" ends_with 5
ask try --confirm-within 1s -f "$dir/web.yaml" -- "$dir/no such program"
it "a command that is none lets it go back" ends_with 5
it "and is named as the cause" says "can't be started: No such file or directory"
ask try -f "$dir/bad.yaml" -- touch "$dir/ran"
it "what is rejected is not tried" [ "$status" == 4 -a ! -e "$dir/ran" ]
ask try -f "$dir/same.yaml" -- true
it "nothing to change, and good" ends_with 0
ask try -f "$dir/same.yaml" -- false
it "nothing to change, and not good" ends_with 1
forget_log
ask try -f "$dir/web.yaml" --json -- true
it "it asks for the plan first, as apply does" logged 'map(.method) | index("Host.planNetworks") < index("Host.setupNetworks")'
it "which scripts get, too" json_has '.outcome == "committed" and (.steps | length) == 3'
ask try --confirm-within 1s -f "$dir/leaving.yaml" -- true
it "a netd that goes away and stays away is not waited for: 3" ends_with 3
it "it says once that it went away" [ "$(grep -c 'netd went away before it said how the change ended' "$dir/words")" == 1 ]
it "and at the end what is known" says "is not back; what nobody confirmed is taken back · try: systemctl status netd"
start_fake
ask try -f "$dir/web.yaml"
it "a command is due" ends_with 2
