// `completion bash`, and the names that it asks for while the administrator types.
#include "netctl/answer.hpp"
#include "netctl/text.hpp"
#include "netctl/verbs.hpp"

#include <set>

namespace netctl {

namespace {

using nlohmann::json;

// Must not be slower than the person who presses Tab.
constexpr milliseconds patience_of_a_typist{800};

constexpr std::string_view bash = R"script(# bash completion for netctl: . <(netctl completion bash)
_netctl_names() {
    local IFS=$'\n' name
    for name in $(netctl __names "$1" 2>/dev/null); do
        [[ $name == "$2"* ]] && COMPREPLY+=("$(printf %q "$name")")
    done
}

_netctl() {
    local words=(netctl) word before verb= place=0 at
    local verbs="apply plan try confirm rollback commit status diff definitions networks links lldp topology vm why plug unplug events version completion help"
    local common="--json --quiet --color --control --events --timeout --help --version"
    COMPREPLY=()
    # The shell breaks words at each ":" and "=", as in ipc:///run/netd/control; here they are whole again.
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if [[ $word == [:=]* || ${words[-1]} == *[:=] ]]; then words[-1]+=$word; else words+=("$word"); fi
    done
    word=${words[-1]} before=${words[-2]}
    [[ $word == --*=* ]] && { before=${word%%=*}; word=${word#*=}; }
    for ((at = 1; at < ${#words[@]} - 1; at++)); do
        case ${words[at]} in
            --color|--control|--events|--timeout|--confirm-within|--network|--guest|--switch|--mac|--kind|--ifname|--filter|--address|--vlan|--trunk|--mtu|--queues|--topic|--count|-n|-f|--file)
                [[ ${words[at]} == -n && $verb == apply ]] || [[ ${words[at]} == -f && $verb == events ]] || ((at++)) ;;
            --) [[ $verb == try ]] && { compopt -o default; return; } ;;
            -*) ;;
            *) if [[ -z $verb ]]; then verb=${words[at]}; else ((place++)); fi ;;
        esac
    done
    case $before in
        --color) COMPREPLY=($(compgen -W "auto always never" -- "$word")); return ;;
        --kind) COMPREPLY=($(compgen -W "tap netns libvirt" -- "$word")); return ;;
        --filter) COMPREPLY=($(compgen -W "standard strict trusted" -- "$word")); return ;;
        --network) _netctl_names nets "$word"; return ;;
        --guest) _netctl_names vms "$word"; return ;;
        --switch) COMPREPLY=($(compgen -W "legacy vlan-aware ovs" -- "$word")); return ;;
        --file) compopt -o default; return ;;
        -f) [[ $verb == events ]] || { compopt -o default; return; } ;;
    esac
    if [[ $word == -* ]]; then
        local more=
        case $verb in
            apply) more="--yes --dry-run --commit --no-commit --confirm-within --file" ;;
            plan) more="--file" ;;
            definitions) more="--committed --switch" ;;
            try) more="--file --commit --no-commit --confirm-within" ;;
            plug) more="--mac --kind --ifname --filter --address --vlan --trunk --mtu --queues --cable-out --isolated" ;;
            topology) more="--dot --svg --mermaid --network --guest --problems --unfolded --ascii" ;;
            events) more="--follow --count --topic" ;;
        esac
        COMPREPLY=($(compgen -W "$common $more" -- "$word"))
        return
    fi
    case $verb in
        "") COMPREPLY=($(compgen -W "$verbs" -- "$word")) ;;
        apply|plan) compopt -o default ;;
        networks) _netctl_names nets "$word" ;;
        links) _netctl_names links "$word" ;;
        vm) _netctl_names vms "$word" ;;
        lldp) _netctl_names nics "$word" ;;
        why) _netctl_names ports "$word"; _netctl_names nets "$word"; _netctl_names vms "$word" ;;
        plug) if ((place == 0)); then _netctl_names vms "$word"; else _netctl_names nets "$word"; fi ;;
        unplug) ((place > 0)) || _netctl_names vms "$word" ;;
        help) ((place > 0)) || COMPREPLY=($(compgen -W "$verbs" -- "$word")) ;;
        completion) COMPREPLY=($(compgen -W bash -- "$word")) ;;
    esac
}
complete -F _netctl netctl
)script";

std::set<std::string> names_of(const std::string& what, const json& answer) {
    std::set<std::string> names;
    if (what == "vms")
        for (const auto& nic : array_at(answer, "nics")) names.insert(text_at(nic, nic.contains("vmId") ? "vmId" : "vm"));
    if (what == "ports")
        for (const auto& nic : array_at(answer, "nics")) names.insert(text_at(nic, "port"));
    if (what == "nets")
        for (const auto& [name, one] : object_at(answer, "networks").items()) names.insert(name);
    if (what == "nics")
        for (const auto& [name, one] : object_at(answer, "nics").items()) names.insert(name);
    if (what == "links")
        for (const char* group : {"nics", "bondings", "bridges", "vlans"})
            for (const auto& [name, one] : object_at(answer, group).items()) names.insert(name);
    return names;
}

}  // namespace

Exit run(const Completion&, Session& session) {
    session.screen.line(bash.substr(0, bash.size() - 1));
    return Exit::done;
}

// In silence: words on a terminal in the middle of a line help nobody.
Exit run(const Names& wish, Session& session) {
    const auto* method = wish.what == "vms" || wish.what == "ports" ? "VM.getNics" : "Host.getNetworkCapabilities";
    const auto answer = session.netd.call(method, json::object(), patience_of_a_typist);
    if (const auto* trouble = std::get_if<Trouble>(&answer)) return trouble->exit;
    for (const auto& name : names_of(wish.what, std::get<json>(answer)))
        if (printable(name) == name) session.screen.line(name);
    return Exit::done;
}

}  // namespace netctl
