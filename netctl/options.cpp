// The only place that knows CLI11, which takes seconds to compile.
#include "netctl/options.hpp"

#include "netctl/text.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>

namespace netctl {

namespace {

const char* const habits =
    "\nA table for people; --json gives one document for scripts. Data goes to standard output, words to standard error.\n"
    "Exit: 0 done, 1 failed, 2 usage, 3 timeout, 4 rejected, 5 rolled back, 6 drift found, 8 netd not running,\n"
    "10 no such object, 13 not permitted.";

// One letter too many, too few or another, or two that changed places.
bool is_a_slip_away(std::string_view one, std::string_view other) {
    const auto same = static_cast<std::size_t>(std::mismatch(one.begin(), one.end(), other.begin(), other.end()).first - one.begin());
    const auto rest = one.substr(same), others = other.substr(same);
    if (rest.empty() || others.empty()) return rest.size() + others.size() == 1;
    if (rest.substr(1) == others || rest == others.substr(1) || rest.substr(1) == others.substr(1)) return true;
    return rest.size() > 1 && others.size() > 1 && rest[0] == others[1] && rest[1] == others[0] && rest.substr(2) == others.substr(2);
}

// One set of values that CLI11 writes into; the verb that was given picks its own.
class CommandLine {
public:
    CommandLine() : app_("netctl: the administrator's word with netd, the network daemon of virtualization hosts", "netctl") {
        app_.require_subcommand(1);
        app_.fallthrough();
        app_.footer(habits);
        app_.set_version_flag("--version", std::string("netctl ") + NETCTL_VERSION);
        add_common();
        add_changing();
        add_showing();
        add_guests();
        add_others();
    }

    CLI::App& app() { return app_; }

    // "" if there is a verb, or nothing in its place.
    std::string unknown_verb() {
        if (!app_.get_subcommands().empty()) return {};
        const auto words = app_.remaining();
        const auto word = std::find_if(words.begin(), words.end(), [](const auto& one) { return !one.starts_with('-'); });
        if (word != words.end()) return *word;
        return words.empty() ? "" : words.front();
    }
    // The one that was meant, if a slip of the finger away.
    std::string near_verb(std::string_view word) {
        for (const auto* verb : app_.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
            if (is_a_slip_away(word, verb->get_name())) return verb->get_name();
        return {};
    }
    // "" if there is none; `meant` is the one that it is a slip of the finger away from.
    std::string unknown_option(std::string& meant) {
        const auto words = app_.remaining(true);
        const auto found = std::find_if(words.begin(), words.end(), [](const auto& one) { return one.size() > 1 && one.starts_with('-') && one != "--"; });
        if (found == words.end()) return {};
        auto word = found->substr(0, found->find('='));
        for (const auto* app : known_options_of())
            for (const auto* option : app->get_options())
                for (const auto& name : option->get_lnames())
                    if (is_a_slip_away(word, "--" + name)) meant = "--" + name;
        return word;
    }
    Invocation take() && { return std::move(invocation_); }

private:
    // Of the whole, and of the verb that was given, with its groups.
    std::vector<const CLI::App*> known_options_of() {
        std::vector<const CLI::App*> apps = {&app_};
        for (const auto* verb : app_.get_subcommands()) {
            apps.push_back(verb);
            for (const auto* group : verb->get_subcommands([](const CLI::App*) { return true; })) apps.push_back(group);
        }
        return apps;
    }

    template <class Known>
    CLI::App* add(const char* name, const char* about, Known& values) {
        auto* verb = app_.add_subcommand(name, about);
        // Copied when the line is complete, so that the order of words does not matter.
        verb->final_callback([this, &values] { invocation_.verb = values; });
        return verb;
    }

    static void add_time(CLI::App* app, const char* name, std::optional<milliseconds>& into, const char* about) {
        app->add_option_function<std::string>(
               name,
               [&into, name](const std::string& text) {
                   const auto time = parse_time(text);
                   if (!time) throw CLI::ValidationError(name, time.error().what);
                   into = *time;
               },
               about)
            ->type_name("TIME");
    }

    // On TCP netd listens to engines whose keys it knows, and netctl has none.
    static std::string fault_of_place(const std::string& place) { return place.starts_with("ipc://") ? "" : "a place is ipc:// and a path"; }

    // CLI11 itself takes 010 for eight.
    static std::string fault_of_number(const std::string& text) {
        const bool is_one = !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == text.npos && (text.size() == 1 || text[0] != '0');
        return is_one ? "" : in_quotes(text) + " is no whole number, as 10 is";
    }
    static std::string fault_of_count(const std::string& text) { return text == "0" ? "at least 1" : fault_of_number(text); }

    static std::string fault_of_name(const std::string& name) { return name.empty() ? "nothing has an empty name" : ""; }

    static ColorChoice read_color(const std::string& when) {
        if (when == "auto") return ColorChoice::automatic;
        if (when == "always") return ColorChoice::always;
        if (when == "never") return ColorChoice::never;
        throw CLI::ValidationError("--color", "is auto, always or never");
    }

    void add_common() {
        app_.add_flag("-j,--json", invocation_.json, "One JSON document; the same key names as iproute2 where there is one");
        app_.add_flag("-q,--quiet", invocation_.quiet, "Data and errors only, no remarks");
        app_.add_option_function<std::string>("--color", [this](const std::string& when) { invocation_.color = read_color(when); },
                                              "auto, always or never")
            ->type_name("WHEN");
        app_.add_option("--control", invocation_.endpoints.control, "Where netd takes requests")->envname("NETD_CONTROL")->type_name("PLACE")->check(fault_of_place);
        app_.add_option("--events", invocation_.endpoints.events, "Where netd tells of events")->envname("NETD_EVENTS")->type_name("PLACE")->check(fault_of_place);
        add_time(&app_, "--timeout", invocation_.timeout, "How long to wait for an answer (10s)");
    }

    // `--commit` and `--no-commit`, of which the last one counts.
    template <class Change>
    static void add_fate(CLI::App* verb, Change& change) {
        // By a function: given an optional itself, CLI11 would begin with setting it to false.
        verb->add_flag_function("--commit,!--no-commit", [&change](std::int64_t given) { change.commit = given > 0; }, "Keep it over the next boot, if it succeeds")
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
        add_time(verb, "--confirm-within", change.confirm_within, "Taken back unless confirmed within that time (60s)");
    }

    void add_changing() {
        auto* apply = add("apply", "Make the host as FILE says: show the plan, ask, do it, confirm it from here (what may cut you off: try)", apply_);
        apply->add_option("-f,--file,FILE", apply_.file, "JSON or YAML: networks, bondings, options; - is standard input")->required();
        apply->add_flag("-y,--yes", apply_.yes, "Do not ask");
        apply->add_flag("-n,--dry-run", apply_.dry_run, "Show the plan and stop");
        add_fate(apply, apply_);

        auto* plan = add("plan", "Show what apply would do, and why", plan_);
        plan->add_option("-f,--file,FILE", plan_.file, "JSON or YAML: networks, bondings, options; - is standard input")->required();

        auto* attempt = add("try", "Apply FILE, and keep the change only if CMD succeeds, or without one if you say so then", try_);
        attempt->add_option("-f,--file", try_.file, "JSON or YAML: networks, bondings, options")->required()->type_name("FILE");
        attempt->add_option("CMD", try_.command, "What decides, after --; on a terminal you are asked if not given");
        add_fate(attempt, try_);

        add("confirm", "Confirm the change that is waiting for it", confirm_);
        add("rollback", "Take back the change that is waiting to be confirmed", rollback_);
        add("commit", "Keep what is running now over the next boot", commit_);
    }

    void add_showing() {
        add("status", "How netd and the host are, on one screen", status_);
        add("diff", "What is not as defined, and what is not committed; exit 6 if there is drift", diff_);
        auto* definitions = add("definitions", "What runs, as a file for apply; begin with it to change a network", defined_);
        definitions->add_flag("--committed", defined_.committed, "What comes back at boot");
        definitions->add_option("--switch", defined_.kind, "Only what is on that kind of switch: legacy, vlan-aware or ovs; apply takes one kind at a time")
            ->type_name("KIND")
            ->check(CLI::IsMember({"legacy", "vlan-aware", "ovs"}));
        add("networks", "The networks", networks_)->add_option("NAME", networks_.name, "Only that one");
        add("links", "NICs, bonds, VLANs and bridges", links_)->add_option("NAME", links_.name, "Only that one");
        add("lldp", "Which port of which switch a NIC is on", lldp_)->add_option("LINK", lldp_.link, "Only that NIC");
        auto* topology = add("topology", "How it all belongs together", topology_);
        const auto picture = [this](Picture which) { return [this, which](std::int64_t) { topology_.picture = which; }; };
        auto* pictures = topology->add_option_group("picture");
        pictures->add_flag("--dot", picture(Picture::dot), "For graphviz");
        pictures->add_flag("--svg", picture(Picture::svg), "For a browser");
        pictures->add_flag("--mermaid", picture(Picture::mermaid), "For a text");
        pictures->require_option(0, 1);
        topology->add_option("--network", topology_.network, "Only that one, and what it stands on");
        topology->add_option("--guest", topology_.guest, "Only that one, and what it stands on");
        topology->add_flag("--problems", topology_.only_problems, "Only what is not as it should be");
        topology->add_flag("--unfolded", topology_.unfolded, "Each guest, even where there are many");
        topology->add_flag("--ascii", topology_.ascii, "Without line drawing characters");
    }

    void add_guests() {
        add("vm", "The NICs of guests", vm_)->add_option("VM", vm_.id, "Only that one's");
        add("why", "What may not pass by a guest's port or a network's device, and what was dropped there", why_)
            ->add_option("NAME", why_.name, "The port or a tap that is not known yet, the guest or its MAC, the network or its device")
            ->required()
            ->check(fault_of_name);
        auto* plug = add("plug", "Give a guest a NIC", plug_);
        plug->add_option("VM", plug_.vm, "The guest: a domain, a namespace, or a name of yours")->required();
        plug->add_option("NETWORK", plug_.network, "What it is plugged into; nothing if not given");
        plug->add_option("--mac", plug_.mac, "Its address; netd makes one if not given");
        plug->add_option("--kind", plug_.kind, "tap, netns or libvirt (tap)")->check(CLI::IsMember({"tap", "netns", "libvirt"}));
        plug->add_option("--ifname", plug_.ifname, "Its name inside of a namespace");
        plug->add_option("--filter", plug_.filter, "standard, strict or trusted (standard)")->check(CLI::IsMember({"standard", "strict", "trusted"}));
        plug->add_option("--address", plug_.addresses, "What a strict guest may speak from; once for each")->allow_extra_args(false)->type_name("IP");
        plug->add_option("--vlan", plug_.vlan, "The guest's own tag")->check(fault_of_number);
        plug->add_option("--trunk", plug_.trunk, "Tags that the guest may use, like 1-10,20");
        plug->add_option("--mtu", plug_.mtu, "That of the network if not given")->check(fault_of_number);
        plug->add_option("--queues", plug_.queues, "How many")->check(fault_of_number);
        plug->add_flag("--cable-out", plug_.cable_out, "Without carrier at first");
        plug->add_flag("--isolated", plug_.isolated, "It reaches the uplink, and no other isolated port");
        auto* unplug = add("unplug", "Take a NIC from a guest", unplug_);
        unplug->add_option("VM", unplug_.vm, "The guest")->required();
        unplug->add_option("MAC", unplug_.mac, "Which of its NICs")->required();
    }

    void add_others() {
        auto* events = add("events", "What happens from now on", events_);
        events->add_flag("-f,--follow", events_.follow, "Until interrupted");
        events->add_option("-n,--count", events_.count, "Without --follow: until so many were seen (1)")->check(fault_of_count);
        events->add_option("--topic", events_.topic, "Only events whose name begins so, like guest. or drift.");
        add("version", "Versions of netctl and netd", version_);
        auto* completion = add("completion", "A script for the shell: . <(netctl completion bash)", completion_);
        completion->add_option("SHELL", completion_.shell, "bash")->required()->check(CLI::IsMember({"bash"}));
        auto* names = add("__names", "", names_);
        names->add_option("WHAT", names_.what)->required()->check(CLI::IsMember({"nets", "links", "nics", "vms", "ports"}));
        names->group("");
    }

    CLI::App app_;
    Invocation invocation_;
    Apply apply_;
    Plan plan_;
    Try try_;
    Confirm confirm_;
    Rollback rollback_;
    Commit commit_;
    Diff diff_;
    Defined defined_;
    Status status_;
    Networks networks_;
    Links links_;
    Lldp lldp_;
    Vm vm_;
    Why why_;
    Plug plug_;
    Unplug unplug_;
    Topology topology_;
    Events events_;
    Version version_;
    Completion completion_;
    Names names_;
};

Exit tell_no_verb(CommandLine& line, const std::string& word) {
    const auto meant = line.near_verb(word);
    complain_of_usage(fmt::format("there is no {} · try: netctl {}", in_quotes(word), meant.empty() ? "--help" : meant));
    return Exit::usage;
}

}  // namespace

std::variant<Invocation, Exit> read_options(int count, const char* const* words) {
    CommandLine line;
    // `help VERB`, as other programs have it.
    std::vector<const char*> given(words, words + count);
    if (count > 1 && given[1] == std::string_view("help")) {
        given.erase(given.begin() + 1);
        given.push_back("--help");
    }
    try {
        line.app().parse(static_cast<int>(given.size()), given.data());
    } catch (const CLI::Success& shown) {
        if (const auto word = line.unknown_verb(); !word.empty() && !word.starts_with('-')) return tell_no_verb(line, word);
        line.app().exit(shown);
        return Exit::done;
    } catch (const CLI::ParseError& error) {
        if (const auto word = line.unknown_verb(); !word.empty()) return tell_no_verb(line, word);
        const auto used = line.app().get_subcommands();
        const auto verb = used.empty() ? std::string() : " " + used.front()->get_name();
        std::string meant;
        if (const auto option = line.unknown_option(meant); !option.empty()) {
            complain_of_usage(fmt::format("there is no option {} · try: {}", in_quotes(option), meant.empty() ? "netctl" + verb + " --help" : meant));
            return Exit::usage;
        }
        complain_of_usage(fmt::format("{} · try: netctl{} --help", printable(error.what()), verb));
        return Exit::usage;
    }
    return std::move(line).take();
}

}  // namespace netctl
