# What netd tells.
tell() { printf '%s\n' "$@" >"$dir/telling"; mv "$dir/telling" "$dir/tell"; }
# follow OPTIONS...: starts netctl events, and returns once it listens.
follow() {
    "$netctl" events "$@" >"$dir/out" 2>"$dir/words" </dev/null &
    follower=$!
    for ((try = 0; try < 600; try++)); do
        tell "host.hello 1 a hello"
        read -rt 0.1 <> <(:)
        [[ -s $dir/out ]] && break
    done
    while [[ -e $dir/tell ]]; do read -rt 0.05 <> <(:); done
}
come() {
    for ((try = 0; try < 600; try++)); do
        grep -q "$1" "$dir/out" "$dir/words" && break
        read -rt 0.1 <> <(:)
    done
    out=$(<"$dir/out") words=$(<"$dir/words")
}

follow -f
tell "nic.link 5 a web" "drift.found 6 a EVIL"
come drift.found
it "events come as lines, with the clock" shows '12:00:00.123Z nic.link network="web"'
it "a name in them can't move the cursor" hides $'\033'
it "a hole in the numbers is told" says "3 events were missed before number 5"
tell "nic.link 1 b web"
come "started anew"
it "a new run of netd is told" says "netd was started anew"
kill "$fake"; wait "$fake" 2>/dev/null
come "went away"
it "that netd went away is told" says "netd went away"
rm -f "$dir/control" "$dir/events"
start_fake
for ((try = 0; try < 400; try++)); do
    tell "nic.link 9 c again"
    read -rt 0.1 <> <(:)
    grep -q again "$dir/out" && break
done
come again
it "and who follows goes on when it is back" shows "again"
kill "$follower"; wait "$follower" 2>/dev/null

"$netctl" events --json --topic drift. --count 2 --timeout 60s >"$dir/out" 2>"$dir/words" &
follower=$!
for ((n = 1; n < 800; n++)); do
    kill -0 "$follower" 2>/dev/null || break
    tell "nic.link $((2 * n)) a x" "drift.found $((2 * n + 1)) a y"
    read -rt 0.1 <> <(:)
done
wait "$follower"; status=$? out=$(<"$dir/out") words=$(<"$dir/words")
it "so many events of a kind, and done" ends_with 0
it "each a line of JSON" jq_all 'length == 2 and all(.event == "drift.found" and .network == "y")'
while [[ -e $dir/tell ]]; do read -rt 0.05 <> <(:); done
ask events --timeout 300ms
it "no event in time ends with 3" ends_with 3
it "and shows nothing" is_silent
