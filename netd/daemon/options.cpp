// The file is {"control": …, "events": …, "state": …, "run": …, "ovs": …, "libvirt": …, "resolvConf": …, "management": {"nic": …},
// "drift": …, "carrierGrace": …, "services": {ROLE: ["tcp/22", …]}, "remote": {"control": …, "events": …, "key": …, "engines": …}}.
#include "netd/daemon/options.hpp"

#include "netd/wire/json.hpp"
#include "topology/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <getopt.h>
#include <map>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace netd {

using topology::Error;
using topology::Fault;
using topology::Result;

const char* const usage =
    "usage: netd [options]\n"
    "  --config FILE    a JSON file with these settings (default /etc/netd/netd.json)\n"
    "  --control URL    where requests come in (default ipc:///run/netd/control)\n"
    "  --events URL     where events go out (default ipc:///run/netd/events)\n"
    "  --state DIR      committed definitions and the journal (default /var/lib/netd)\n"
    "  --run DIR        running definitions (default /run/netd)\n"
    "  --ovs SOCKET     Open vSwitch's database (default unix:/var/run/openvswitch/db.sock, in another network namespace than the host's not if it\n"
    "                   answers from elsewhere; empty: none)\n"
    "  --libvirt URI    whom guests of kind libvirt belong to (default qemu:///system, in the host's network namespace; empty: nobody)\n"
    "  --resolv-conf FILE  where nameservers go (default /etc/resolv.conf)\n"
    "  --management NIC a first start takes this NIC over as network ovirtmgmt, when it is set up or has had its time\n"
    "  --management-timeout SECONDS  and gives it back if nobody confirms within that time (default 120)\n"
    "  --drift WORD     repair (default) or report: what is done about things that differ from their definition\n"
    "  --carrier-grace SECONDS  a network whose NIC or bond is without carrier, set down or missing for longer is told to be down (default 30)\n"
    "  --no-watchdog    no second process that undoes an unfinished change if this one is killed\n"
    "  --version, --help\n";

namespace {

constexpr const char* default_file = "/etc/netd/netd.json";

Result<> read_text(const nlohmann::json& value, const std::string& key, std::string& into) {
    if (!value.is_string()) return Error{Fault::invalid, key, "a text is due here"};
    into = value.get<std::string>();
    return {};
}

Result<> read_drift(const std::string& word, Options& options) {
    if (word != "repair" && word != "report") return Error{Fault::invalid, "drift", "repair or report is due here"};
    options.repairs_drift = word == "repair";
    return {};
}

Result<> read_seconds(const char* key, std::int64_t number, std::chrono::seconds& into) {
    if (number < 1 || number > 86400) return Error{Fault::invalid, key, "1 to 86400 seconds are due here"};
    into = std::chrono::seconds(number);
    return {};
}

Result<> read_seconds(const char* key, const char* text, std::chrono::seconds& into) {
    const auto number = topology::parse_number(text, 1, 86400);
    return read_seconds(key, number ? *number : 0, into);
}

// All four or nothing: half of a door is none, or one that stands open.
Result<> read_remote(const nlohmann::json& value, Options& options) {
    constexpr const char* due = "{\"control\": \"tcp://ADDRESS:PORT\", \"events\": \"tcp://ADDRESS:PORT\", \"key\": FILE, \"engines\": FOLDER} is due here";
    std::map<std::string, std::string> texts{{"control", ""}, {"events", ""}, {"key", ""}, {"engines", ""}};
    if (!value.is_object()) return Error{Fault::invalid, "remote", due};
    for (const auto& [key, text] : value.items()) {
        const auto known = texts.find(key);
        if (known == texts.end()) return Error{Fault::invalid, "remote/" + key, "there is no such setting"};
        if (auto read = read_text(text, "remote/" + key, known->second); !read) return read;
    }
    for (const auto& [key, text] : texts)
        if (text.empty()) return Error{Fault::invalid, "remote/" + key, std::string("is missing: ") + due};
    for (const char* key : {"control", "events"})
        if (auto checked = serve::check_tcp(texts[key]); !checked) return checked;
    auto secret = serve::read_secret(texts["key"]);
    if (!secret) return secret.error();
    if (auto counted = serve::count_engines(texts["engines"]); !counted) return counted.error();
    options.remote = Remote{{texts["control"], *secret}, {texts["events"], *secret}, texts["engines"]};
    return {};
}

// A role that is named has these services and no others; all others keep the usual ones.
Result<> read_services(const nlohmann::json& value, topology::Services& services) {
    if (!value.is_object()) return Error{Fault::invalid, "services", "{ROLE: [\"tcp/22\", \"udp/6081\", …]} is due here"};
    for (const auto& [name, list] : value.items()) {
        const std::string at = "services/" + name;
        const auto role = std::ranges::find(topology::role_names, name);
        if (role == topology::role_names.end()) return Error{Fault::invalid, at, "there is no such role"};
        if (!list.is_array()) return Error{Fault::invalid, at, "a list is due here"};
        auto& open = services[static_cast<topology::Role>(role - topology::role_names.begin())];
        open.clear();
        for (const auto& one : list) {
            auto service = topology::Service::parse(one.is_string() ? one.get<std::string>() : "");
            if (!service) return topology::about(at, service.error());
            open.insert(*service);
        }
    }
    return {};
}

// Unset: that can't be told. Process 1 is in the host's.
std::optional<bool> is_in_network_of(pid_t process) {
    struct stat own, its;
    if (::stat("/proc/self/ns/net", &own) != 0 || ::stat(fmt::format("/proc/{}/ns/net", process).c_str(), &its) != 0) return std::nullopt;
    return own.st_ino == its.st_ino;
}

// The host's guests are no business of a netd that somebody tries out in a namespace: it sees none of their ports.
std::string usual_libvirt() { return is_in_network_of(1).value_or(true) ? "qemu:///system" : ""; }

// Nor is the host's Open vSwitch, whose rows such a netd would take for leftovers of its own. One that does not answer yet may be its own.
std::string usual_ovs(const std::string& usual) {
    if (is_in_network_of(1).value_or(true)) return usual;
    sockaddr_un at = {};
    at.sun_family = AF_UNIX;
    usual.copy(at.sun_path, sizeof at.sun_path - 1, usual.find('/'));
    const int line = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ucred who = {};
    socklen_t size = sizeof who;
    const bool answers = line >= 0 && ::connect(line, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 && ::getsockopt(line, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0;
    if (line >= 0) ::close(line);
    return answers && !is_in_network_of(who.pid).value_or(true) ? "" : usual;
}

// Nobody cuts himself off: netd's own ports are on the one address that they are told, whatever its network is for.
void open_own_door(Options& options) {
    if (!options.remote) return;
    for (const auto* endpoint : {&options.remote->control.endpoint, &options.remote->events.endpoint}) {
        const auto own = topology::Service::parse("tcp/" + endpoint->substr(endpoint->rfind(':') + 1));
        for (std::size_t role = 0; own && role < topology::role_names.size(); ++role) options.services[static_cast<topology::Role>(role)].insert(*own);
    }
}

Result<> read_management(const nlohmann::json& value, Options& options) {
    if (!value.is_object() || !value.contains("nic") || !value["nic"].is_string()) return Error{Fault::invalid, "management", "{\"nic\": NAME, \"timeout\": SECONDS} is due here; timeout may be left out"};
    for (const auto& [key, setting] : value.items()) {
        if (key == "nic") {
            auto nic = topology::IfName::parse(setting.get<std::string>());
            if (!nic) return nic.error();
            options.management = *nic;
        } else if (key == "timeout") {
            if (auto read = read_seconds("management/timeout", setting.is_number_integer() ? setting.get<std::int64_t>() : 0, options.management_timeout); !read) return read;
        } else {
            return Error{Fault::invalid, "management/" + key, "there is no such setting"};
        }
    }
    return {};
}

// Where only processes of this host come in.
Result<> read_ipc(const char* key, const std::string& url, std::string& into) {
    if (!url.starts_with("ipc:///")) return Error{Fault::invalid, key, fmt::format("ipc:// and an absolute path are due here, not '{}'; engines elsewhere: setting `remote`", url)};
    into = url;
    return {};
}

Result<> read_setting(const std::string& key, const nlohmann::json& value, Options& options) {
    if (key == "control") return read_ipc("control", value.is_string() ? value.get<std::string>() : "", options.control);
    if (key == "events") return read_ipc("events", value.is_string() ? value.get<std::string>() : "", options.events);
    if (key == "state") return read_text(value, key, options.state);
    if (key == "run") return read_text(value, key, options.run);
    if (key == "ovs") return read_text(value, key, options.ovs);
    if (key == "libvirt") return read_text(value, key, options.libvirt);
    if (key == "resolvConf") return read_text(value, key, options.resolver);
    if (key == "drift") return read_drift(value.is_string() ? value.get<std::string>() : "", options);
    if (key == "carrierGrace") return read_seconds("carrierGrace", value.is_number_integer() ? value.get<std::int64_t>() : 0, options.carrier_grace);
    if (key == "remote") return read_remote(value, options);
    if (key == "services") return read_services(value, options.services);
    if (key != "management") return Error{Fault::invalid, key, "there is no such setting"};
    return read_management(value, options);
}

Result<> read_file(const std::string& path, bool must_exist, Options& options) {
    std::ifstream file(path);
    const bool may_be_absent = !must_exist && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT;
    if (!file) return may_be_absent ? Result<>() : Result<>(Error{Fault::not_found, path, "can't be read"});
    std::stringstream text;
    text << file.rdbuf();
    auto value = wire::parse_strict(text.str());
    if (!value) return topology::about(path, value.error());
    if (!value->is_object()) return Error{Fault::invalid, path, "an object is due here"};
    for (const auto& [key, setting] : value->items())
        if (auto read = read_setting(key, setting, options); !read) return topology::about(path, read.error());
    return {};
}

enum Long { config = 1000, control, events, state, run, ovs, libvirt, resolver, management, management_timeout, drift, carrier_grace, no_watchdog, help, version };
constexpr option long_options[] = {{"config", required_argument, nullptr, config},   {"control", required_argument, nullptr, control},
                                   {"events", required_argument, nullptr, events},   {"state", required_argument, nullptr, state},
                                   {"run", required_argument, nullptr, run},         {"ovs", required_argument, nullptr, ovs},
                                   {"libvirt", required_argument, nullptr, libvirt}, {"resolv-conf", required_argument, nullptr, resolver},
                                   {"management", required_argument, nullptr, management},
                                   {"management-timeout", required_argument, nullptr, management_timeout},
                                   {"drift", required_argument, nullptr, drift},
                                   {"carrier-grace", required_argument, nullptr, carrier_grace},
                                   {"no-watchdog", no_argument, nullptr, no_watchdog},
                                   {"help", no_argument, nullptr, help},             {"version", no_argument, nullptr, version},
                                   {nullptr, 0, nullptr, 0}};

Result<> read_word(int which, Options& options) {
    switch (which) {
        case config: return {};
        case control: return read_ipc("--control", optarg, options.control);
        case events: return read_ipc("--events", optarg, options.events);
        case state: options.state = optarg; return {};
        case run: options.run = optarg; return {};
        case ovs: options.ovs = optarg; return {};
        case libvirt: options.libvirt = optarg; return {};
        case resolver: options.resolver = optarg; return {};
        case drift: return read_drift(optarg, options);
        case carrier_grace: return read_seconds("carrier-grace", optarg, options.carrier_grace);
        case management_timeout: return read_seconds("management-timeout", optarg, options.management_timeout);
        case no_watchdog: options.watchdog = false; return {};
        case help: options.help = true; return {};
        case version: options.version = true; return {};
        case management: {
            auto nic = topology::IfName::parse(optarg);
            if (!nic) return nic.error();
            options.management = *nic;
            return {};
        }
        default: return {};
    }
}

// getopt_long() answers ':' for an option without the word that it wants, '?' for one that is not known.
Error wrong_word(int which, const char* word) {
    return {Fault::invalid, word, which == ':' ? "this option wants a word; --help lists what" : "unknown option; --help lists them"};
}

}  // namespace

Result<Options> read_options(int count, char** words) {
    Options options;
    options.libvirt = usual_libvirt();
    options.ovs = usual_ovs(options.ovs);
    std::string file = default_file;
    bool named = false;
    opterr = 0;
    optind = 1;
    for (int which; (which = ::getopt_long(count, words, ":", long_options, nullptr)) != -1;)
        if (which == config) {
            file = optarg;
            named = true;
        }
    if (auto read = read_file(file, named, options); !read) return read.error();
    optind = 1;
    for (int which; (which = ::getopt_long(count, words, ":", long_options, nullptr)) != -1;) {
        if (which == ':' || which == '?') return wrong_word(which, words[optind - 1]);
        if (auto read = read_word(which, options); !read) return read.error();
    }
    open_own_door(options);
    if (optind < count) return Error{Fault::invalid, words[optind], "netd takes no such word; --help lists what it takes"};
    return options;
}

}  // namespace netd
