# What netctl does when nobody answers, or when the line makes no sense.
write_files

ask networks
it "without netd it ends with 8" ends_with 8
it "and says where it knocked, and what to try" says "netctl: netd does not answer at $NETD_CONTROL: No such file or directory · try: systemctl status netd"
ask networks --json
it "the same with --json is a document" json_has '.error.exit == 8'

ask try -f "$dir/web.yaml" -- touch "$dir/ran"
it "try is no more patient, and tries nothing" [ "$status" == 8 -a ! -e "$dir/ran" ]

/usr/bin/python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])' "$dir/control"
ask status
it "a socket that a dead netd left is no netd either" ends_with 8
rm -f "$dir/control"

/usr/bin/python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1] + ".new"); s.listen(8); __import__("os").rename(sys.argv[1] + ".new", sys.argv[1]); __import__("time").sleep(600)' "$dir/mute" &
mute=$!
while [[ ! -S $dir/mute ]]; do read -rt 0.05 <> <(:); done
ask --control "ipc://$dir/mute" --timeout 300ms status
it "whoever takes the connection and says nothing costs no more than the timeout, and ends with 3" ends_with 3
kill "$mute"; wait "$mute" 2>/dev/null

if [[ $EUID == 0 ]] && command -v setpriv >/dev/null; then
    mkdir "$dir/shut" && chmod 711 "$dir"
    /usr/bin/python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1)' "$dir/shut/control"
    chmod 700 "$dir/shut"
    cp "$netctl" "$dir/netctl" 2>/dev/null && chmod 755 "$dir/netctl"
    setpriv --reuid 65534 --regid 65534 --clear-groups "$dir/netctl" --control "ipc://$dir/shut/control" status >"$dir/out" 2>"$dir/words"
    status=$? out=$(<"$dir/out") words=$(<"$dir/words")
    it "a door that the kernel keeps shut ends with 13" ends_with 13
    rm -f "$dir/netctl"
else
    skipped=$((skipped + 1))
fi

ask frobnicate
it "an unknown verb ends with 2" ends_with 2
it "and is named" says 'netctl: there is no "frobnicate" · try: netctl --help'
ask statsu
it "a slip of the finger gets the verb that was meant" says 'there is no "statsu" · try: netctl status'
LC_ALL=C on_terminal "" statsu
it "on a terminal of ASCII without any other sign" bash -c '[[ $1 == *" - try: netctl status"* ]] && ! LC_ALL=C grep -q "[^[:print:][:cntrl:]]" <<<"$1"' _ "$out"
ask topology --netwrok web
it "an option that is none is named, with the one that was meant" says 'there is no option "--netwrok" · try: --network'
it "and ends with 2" ends_with 2
ask plan --fiel=x
it "also where another is missing" says 'there is no option "--fiel" · try: --file'
ask topology --mermiad
it "one of those of which one is taken is found, too" says 'there is no option "--mermiad" · try: --mermaid'
ask status --frobnicate
it "one that is near to none has the way to those that there are" says 'there is no option "--frobnicate" · try: netctl status --help'
ask help apply
it "help VERB is as VERB --help" [ "$status" == 0 -a "$out" == "$("$netctl" apply --help)" ]
ask help
it "and help alone has all verbs" shows "rollback"
ask help frobnicate
it "help for a verb that is none ends with 2" ends_with 2
it "and says so" says 'there is no "frobnicate" · try: netctl --help'
ask apply
it "a missing file name ends with 2" ends_with 2
it "and shows the way to the help of that verb, not pages" says "try: netctl apply --help"
ask networks --color sometimes
it "a bad choice ends with 2" ends_with 2
ask status --timeout 5y
it "a bad time ends with 2" ends_with 2
ask plug web1 web --vlan 010
it "a number that could be octal ends with 2, too" ends_with 2
it "and is told from one that is plain" says '"010" is no whole number, as 10 is'
ask events -n 0
it "no events are none" says "at least 1"
ask --control nonsense status
it "a place that is none ends with 2" ends_with 2
ask --control tcp://192.0.2.1:54321 status
it "one elsewhere, too: netctl has no key that netd knows" ends_with 2
ask --help
it "help is data, and no failure" ends_with 0
it "and names the verbs" shows topology
it "but not the inner ones" hides __names
ask completion bash
it "the completion needs no netd" ends_with 0
it "and is bash" bash -n "$dir/out"

# What is kept by hand in three places: the help, the completion and the manual.
manual=$here/../../packaging/man/netctl.1.pod
options_in() { sed -nE 's/^ +(-[^ {]+).*/\1/p' <<<"$1" | tr , '\n'; }
long_ones() { grep -- '^--' | sort -u; }
offered() { complete_with netctl "$@" | tr ' ' '\n' | sort; }
help=$("$netctl" --help)
verbs=$(sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$help")
it "Tab offers each verb, and help" [ "$(offered "")" == "$(sort <<<"$verbs"$'\nhelp')" ]
it "and each verb after help" [ "$(complete_with netctl help rollb)" == rollback ]
it "the manual has help in its synopsis" grep -q "B<help>" <(sed '/^=head1 DESCRIPTION/q' "$manual")
it "and tells of help" grep -q "^=item B<help>" "$manual"
for verb in $verbs; do
    it "the manual has $verb in its synopsis" grep -q "B<$verb\b" <(sed '/^=head1 DESCRIPTION/q' "$manual")
    it "and tells of $verb" grep -q "^=item B<.*\b$verb\b" <(sed '1,/^=head1 DESCRIPTION/d' "$manual")
    more=$("$netctl" "$verb" --help)
    it "Tab offers each option of $verb, and no others" [ "$(offered "$verb" --)" == "$(options_in "$help"$'\n'"$more" | long_ones)" ]
    help_of_all+=$'\n'$more
done
for option in $(options_in "$help$help_of_all" | sort -u); do
    it "the manual has the option $option" grep -qF -- "B<$option>" "$manual"
done
for option in $(sed -nE 's/^ +(-[^ ]+) [A-Z]{2}.*/\1/p' <<<"$help$help_of_all" | tr , '\n' | long_ones); do
    it "Tab knows that a value follows $option" [ "$(offered "$option" x plug --)" == "$(offered plug --)" ]
done
ask version
it "the version needs no netd" ends_with 0

ask plan "$dir/nowhere.yaml"
it "a file that is not there ends with 1" ends_with 1
ask plan "$dir/alias.yaml"
it "an alias in YAML is refused before anybody is asked" ends_with 4
it "with its place and its line" says "network \"web\": an alias (*name) is not taken; write it out (networks/web in $dir/alias.yaml, line 2)"
printf 'networks:\n  a: {nic: "e\\x01"}\n' | "$netctl" plan - >"$dir/out" 2>"$dir/words"; status=$? out=$(<"$dir/out") words=$(<"$dir/words")
it "a control character is refused before anybody is asked" ends_with 4
it "with its name, its place and its line" says 'network "a": a text with a control character is not taken (networks/a/nic in standard input, line 2)'
