# A change that a program judges.
forget_log
ask try -f "$dir/web.yaml" -- sh -c "cp '$dir/log' '$dir/log-then'; exit 0"
it "a command that succeeds keeps the change" ends_with 0
it "nothing was confirmed before it had ended" bash -c '! grep -q confirmConnectivity "$1/log-then" && grep -q setupNetworks "$1/log-then"' _ "$dir"
it "it was confirmed then" logged 'map(.method) | index("Host.confirmConnectivity") != null'
forget_log
touch "$dir/takes-back"
ask try --confirm-within 60s -f "$dir/web.yaml" -- sh -c 'echo looked; exit 7'
rm "$dir/takes-back"
it "a command that fails lets it go back: 5" ends_with 5
it "what it says comes through" shows looked
it "and it says why" says '"sh": it ended with 7; it was taken back'
it "nothing was confirmed" logged 'map(.method) | index("Host.confirmConnectivity") == null'
ask try --confirm-within 1s -f "$dir/web.yaml" -- sh -c 'read -t 3 <> <(:) 2>/dev/null || sleep 3'
it "a command that thinks too long finds it taken back: 5" ends_with 5
forget_log
printf 'not to be run\n' >"$dir/no program"
for command in "$dir/no such program" no-such-program "$dir" "$dir/no program" ""; do
    ask try -f "$dir/web.yaml" -- "$command"
    it "a command that is none ends with 2" ends_with 2
done
ask try -f "$dir/web.yaml" -- no-such-program
it "and is named" says 'there is no program "no-such-program", so nothing was changed'
it "really nothing" logged 'map(.method) | index("Host.setupNetworks") == null'
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
forget_log
ask try -f "$dir/web.yaml"
it "without a terminal a command is due" ends_with 2
it "and nothing is changed" logged 'length == 0'

forget_log
AFTER="Keep it?" on_terminal y try -f "$dir/web.yaml"
it "without a command a person is asked, once it stands" shows "It stands. Keep it? [y/N]"
it "and his yes keeps it" ends_with 0
it "by a confirmation" logged 'map(.method) | index("Host.confirmConnectivity") != null'
forget_log
touch "$dir/takes-back"
AFTER="Keep it?" on_terminal n try --confirm-within 60s -f "$dir/web.yaml"
rm "$dir/takes-back"
it "his no takes it back: 5" ends_with 5
it "and it says why" shows "it is not wanted; it was taken back"
on_terminal "" try --confirm-within 1s -f "$dir/web.yaml"
it "who does not answer finds it taken back: 5" ends_with 5
it "and reads why" shows "nobody confirmed the change in time"
on_terminal y try --confirm-within 1s -f "$dir/web.yaml"
it "a yes that was typed before the question does not count" ends_with 5
it "and none of these was confirmed" logged 'map(.method) | index("Host.confirmConnectivity") == null'
on_terminal "" try -f "$dir/same.yaml"
it "about nothing nobody is asked" [ "$status" == 0 -a "${out/Keep it/}" == "$out" ]
