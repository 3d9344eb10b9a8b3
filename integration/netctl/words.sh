# The words that tests of netctl are written in. Needs $netctl, the program, and $dir, a folder for what it says.
passed=0 failed=0 skipped=0

# Runs netctl; afterwards $out, $words and $status say what came of it. A machine may stand still for longer than netctl waits by itself.
ask() {
    local patience=(--timeout 60s)
    [[ " $* " != *" --timeout "* && ${1:-help} != help ]] || patience=()
    "$netctl" "${patience[@]}" "$@" >"$dir/out" 2>"$dir/words" </dev/null
    status=$?
    out=$(<"$dir/out") words=$(<"$dir/words")
}

# on_terminal INPUT WORDS...: the same on a terminal of 80 columns, with $out as the terminal would get it. INPUT is typed at
# once, or when the terminal has shown $AFTER.
on_terminal() {
    local input=$1
    shift
    out=$(INPUT=$input /usr/bin/python3 "$here/terminal.py" "$netctl" --timeout 60s "$@")
    status=$?
}

# complete_with WORDS...: what Tab offers for the last of them; they are broken as the shell breaks them.
complete_with() {
    bash --norc -c '. <("$1" completion bash); PATH=${1%/*}:$PATH; COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2)); compopt() { :; }; _netctl; echo "${COMPREPLY[*]}"' _ "$netctl" "$@"
}

# it SENTENCE CONDITION...: the condition is a command; its failure fails the test and shows what there was.
it() {
    local sentence=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n  status %s\n  out: %q\n  words: %q\n' "$sentence" "$status" "$out" "$words"
    fi
}
ends_with() { [[ $status == "$1" ]]; }
shows() { [[ $out == *"$1"* ]]; }
says() { [[ $words == *"$1"* ]]; }
hides() { [[ $out$words != *"$1"* ]]; }
is_silent() { [[ -z $out ]]; }
is_json() { jq -e . "$dir/out" >/dev/null 2>&1; }
json_has() { jq -e "$1" "$dir/out" >/dev/null 2>&1; }
jq_all() { jq -se "$1" "$dir/out" >/dev/null 2>&1; }
logged() { jq -se "$1" "$dir/log" >/dev/null 2>&1; }
forget_log() { : >"$dir/log"; }
