// A client that runs is known by KEY.pid: process id, its start time, device.
//
// It is ended by SIGKILL: it has nothing to tidy (no address of its own, a lease that may go on elsewhere), and dhcpcd 9.4 does
// not hear a SIGTERM that comes while its hook runs.
#include "netd/daemon/dhcp_clients.hpp"

#include "netd/daemon/child.hpp"
#include "netd/daemon/lease_file.hpp"
#include "netd/store/files.hpp"
#include "topology/hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>
#include <unistd.h>

namespace netd {

using lower::Family;

namespace {

constexpr const char* program = "/usr/sbin/dhcpcd";
constexpr std::chrono::seconds long_life{30}, too_short{1};

// Also where this very binary has been replaced since it started.
std::string own_binary() {
    std::error_code none;
    std::string path = std::filesystem::read_symlink("/proc/self/exe", none);
    if (constexpr std::string_view gone = " (deleted)"; path.ends_with(gone)) path.resize(path.size() - gone.size());
    return path;
}

// dhcpcd keeps by the device's name what it had last. On another wire the server refuses that, and the lease from there would go with it.
void forget_lease(const lower::Client& client) {
    ::unlink(fmt::format("/var/lib/dhcpcd/{}.lease{}", client.device.text(), client.family == Family::v6 ? "6" : "").c_str());
}

}  // namespace

std::string client_settings(const lower::Client& client, const std::string& news_file) {
    std::string text = fmt::format("env {}={}\nnodelay\nnoarp\nnoipv4ll\nnoipv6rs\ntimeout 0\nhostname_short\n", lease_file_variable, news_file);
    if (client.family == Family::v4) return text + "ipv4only\noption subnet_mask, routers, classless_static_routes, domain_name_servers, domain_name, domain_search\n";
    text += "ipv6only\nduid ll\noption dhcp6_name_servers, dhcp6_domain_search\n";
    return text + fmt::format("interface {}\nia_na {}\n", client.device.text(), static_cast<std::uint32_t>(topology::hash_of(client.key)));
}

topology::Result<DhcpClients> DhcpClients::open(const std::string& folder, const loop::Clock& clock) {
    auto leases = LeaseFolder::open(folder, clock);
    if (!leases) return leases.error();
    DhcpClients clients(std::move(*leases), clock);
    if (auto taken = clients.take_up(); !taken) return taken.error();
    return clients;
}

bool DhcpClients::are_to_be_had() { return ::access(program, X_OK) == 0; }

topology::Result<> DhcpClients::take_up() {
    const auto keys = leases_.keys_of(".pid");
    if (!keys) return keys.error();
    for (const std::string& key : *keys) {
        std::istringstream told(store::content_of(leases_.path(key, ".pid")));
        pid_t pid = 0;
        unsigned long long started = 0;
        std::string device;
        told >> pid >> started >> device;
        const auto name = topology::IfName::parse(device);
        if (!name || pid <= 0 || started == 0) continue;
        loop::Fd process = child::open(pid);
        if (!process || child::start_time(pid) != started) continue;
        const Family family = key.ends_with("-6") ? Family::v6 : Family::v4;
        running_.insert_or_assign(key, Running{{key, *name, family}, pid, std::move(process), clock_->boottime()});
    }
    return {};
}

void DhcpClients::note_failure(const std::string& key, std::chrono::nanoseconds lived) {
    Failing& failing = failing_[key];
    if (lived > long_life) failing.pause.end();
    failing.again = clock_->boottime() + failing.pause.lengthen();
}

void DhcpClients::bury() {
    std::erase_if(running_, [&](auto& entry) {
        auto& [key, running] = entry;
        if (!child::is_dead(running.process)) return false;
        const auto status = child::bury(running.pid);
        const auto lived = clock_->boottime() - running.started;
        if (status && *status != 0 && lived < too_short) trouble_ = fmt::format("the client for {} ended at once, with status {}", running.client.device.text(), *status);
        note_failure(key, lived);
        return true;
    });
    std::erase_if(ending_, [](const Running& one) {
        if (!child::is_dead(one.process)) return false;
        std::ignore = child::bury(one.pid);
        return true;
    });
}

// The one before it must have gone, or the next one takes it for itself and ends.
bool DhcpClients::is_taken(const topology::IfName& device) const {
    return std::any_of(ending_.begin(), ending_.end(), [&](const Running& one) { return one.client.device == device; });
}

void DhcpClients::start(const lower::Client& client) {
    const std::string settings = leases_.path(client.key, ".conf");
    // Without them it would run netd itself as one that is started anew, instead of as its hook.
    if (!(std::ofstream(settings, std::ios::trunc) << client_settings(client, leases_.news_file(client.key)) << std::flush)) {
        trouble_ = fmt::format("{} can't be written", settings);
        return note_failure(client.key, {});
    }
    std::vector<std::string> words{program, "-B", "-q", client.family == Family::v4 ? "-4" : "-6", "--noconfigure", "-f", settings, "-c", own_binary(), client.device.text()};
    // In spite of --noconfigure dhcpcd 9.4 takes the device's link-local address away, and asks by it: so it may not.
    if (client.family == Family::v6) words.insert(words.begin(), {"/usr/bin/setpriv", "--bounding-set", "-net_admin"});
    auto started = child::start(std::move(words));
    if (!started) {
        trouble_ = sentence(started.error());
        return note_failure(client.key, {});
    }
    trouble_.clear();
    const pid_t pid = started->pid();
    std::ofstream note(leases_.path(client.key, ".pid"), std::ios::trunc);
    note << pid << ' ' << child::start_time(pid) << ' ' << client.device.text() << '\n';
    Running running{client, pid, child::open(pid), clock_->boottime()};
    if (!note.flush()) {
        trouble_ = fmt::format("{} can't be written", leases_.path(client.key, ".pid"));
        ending_.push_back(std::move(running));
        return note_failure(client.key, {});
    }
    running_.insert_or_assign(client.key, std::move(running));
    started->begin();
}

void DhcpClients::end_others(const lower::Clients& wanted) {
    bury();
    for (auto at = running_.begin(); at != running_.end();) {
        const auto found = wanted.find(at->first);
        if (found != wanted.end() && found->second == at->second.client) {
            ++at;
            continue;
        }
        child::end(at->second.process, at->second.pid);
        forget_lease(at->second.client);  // at once: the watchdog ends some, and then itself
        for (const char* ending : {".pid", ".conf"}) ::unlink(leases_.path(at->first, ending).c_str());
        ending_.push_back(std::move(at->second));
        at = running_.erase(at);
    }
    std::erase_if(failing_, [&](const auto& entry) { return !wanted.contains(entry.first); });
}

void DhcpClients::sync(const lower::Clients& wanted) {
    end_others(wanted);
    for (const auto& [key, client] : wanted) {
        const auto failing = failing_.find(key);
        if (running_.contains(key) || is_taken(client.device) || (failing != failing_.end() && failing->second.again > clock_->boottime())) continue;
        start(client);
    }
}

bool DhcpClients::has_work() const {
    const auto is_dead = [](const Running& one) { return child::is_dead(one.process); };
    const auto due = next();
    return (due && *due <= clock_->boottime()) || std::any_of(ending_.begin(), ending_.end(), is_dead) ||
           std::any_of(running_.begin(), running_.end(), [&](const auto& entry) { return is_dead(entry.second); });
}

std::optional<std::chrono::nanoseconds> DhcpClients::next() const {
    std::optional<std::chrono::nanoseconds> first;
    for (const auto& [key, failing] : failing_)
        if (!running_.contains(key)) first = first ? std::min(*first, failing.again) : failing.again;
    return first;
}

std::vector<int> DhcpClients::descriptors() const {
    std::vector<int> all{leases_.descriptor()};
    for (const auto& [key, running] : running_)
        if (running.process) all.push_back(running.process.number());
    for (const Running& one : ending_)
        if (one.process) all.push_back(one.process.number());
    return all;
}

}  // namespace netd
