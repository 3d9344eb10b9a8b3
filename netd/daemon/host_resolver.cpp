// Whose they are is looked up each time: resolved may be installed or taken away while netd runs.
#include "netd/daemon/host_resolver.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <net/if.h>
#include <string_view>

namespace netd {

using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

// Its servers, of all links.
constexpr const char* upstream = "/run/systemd/resolve/resolv.conf";
constexpr std::array<std::string_view, 3> resolveds_own{"/run/systemd/resolve/stub-resolv.conf", upstream, "/usr/lib/systemd/resolv.conf"};

}  // namespace

bool leads_to_resolved(const std::string& file) {
    std::error_code none;
    const std::filesystem::path target = std::filesystem::read_symlink(file, none);
    if (target.empty()) return false;
    // Early in a boot the target is not there, but what lies above it may be a link, too (/var/run, /lib).
    const auto end = std::filesystem::weakly_canonical(std::filesystem::path(file).parent_path() / target, none);
    return std::ranges::find(resolveds_own, end.string()) != resolveds_own.end();
}

HostResolver::HostResolver(const std::string& file, const std::string& kept, const std::string& run, const loop::Clock& clock)
    : path_(file), file_(file, kept), resolved_(run, clock) {}

Result<> HostResolver::sync(const lower::Resolver& wanted) {
    if (!leads_to_resolved(path_)) {
        // If it is not heard, nobody asks it for names any more, and it is tried again; the file does not wait for that.
        static_cast<void>(resolved_.sync(0, {}));
        return file_.sync(wanted);
    }
    if (wanted.empty()) return resolved_.sync(0, {});
    const int link = wanted.link ? static_cast<int>(::if_nametoindex(wanted.link->text().c_str())) : 0;
    if (link == 0) return Error{Fault::not_found, wanted.link ? wanted.link->text() : "", "there is no such device to have nameservers"};
    return resolved_.sync(link, wanted);
}

std::string HostResolver::obstacle() const { return leads_to_resolved(path_) ? std::string() : file_.obstacle(); }

std::vector<std::string> HostResolver::nameservers() const {
    if (!leads_to_resolved(path_)) return file_.nameservers();
    auto told = resolved_.nameservers();
    return told.empty() ? nameservers_in(upstream) : told;
}

}  // namespace netd
