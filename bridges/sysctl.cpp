// See sysctl.hpp. /proc/sys/net shows the network namespace of whoever looks.
#include "bridges/sysctl.hpp"

#include "bridges/nl_handles.hpp"
#include "bridges/small_mtu.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace bridges {

using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

Result<> write_sysctl(std::string_view family, const IfName& link, std::string_view key, char value, bool lacks_ipv6) {
    const auto path = fmt::format("/proc/sys/net/{}/conf/{}/{}", family, link.text(), key);
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file && ::write(file.get(), &value, 1) == 1) return {};
    // A kernel without IPv6 has nothing to switch off, and nothing to forward.
    const bool is_off = key == "forwarding" || (value == '1') == (key == "disable_ipv6" || key == "accept_ra_defrtr");
    if (errno == ENOENT && family == "ipv6" && (lacks_ipv6 || is_off)) return {};
    const Fault fault = errno == EACCES || errno == EPERM || errno == EROFS ? Fault::denied : Fault::backend;
    return Error{fault, link.text(), fmt::format("cannot set {}: {}", path, strerror(errno))};
}

struct Setting {
    std::string_view family, key;
    char value;
};

std::vector<Setting> settings_of(const HostStack& now, const HostStack& have) {
    std::vector<Setting> settings;
    const auto differs = [](const auto& wanted, const auto& found) { return wanted && wanted != found; };
    // Off before anything else, so that no address is made meanwhile; on after the others, so that they count.
    if (differs(now.ipv6, have.ipv6) && !*now.ipv6) settings.push_back({"ipv6", "disable_ipv6", '1'});
    if (differs(now.ra_gateway, have.ra_gateway)) settings.push_back({"ipv6", "accept_ra_defrtr", *now.ra_gateway ? '1' : '0'});
    if (differs(now.autoconf, have.autoconf)) settings.push_back({"ipv6", "autoconf", *now.autoconf ? '1' : '0'});
    if (differs(now.hears_routers, have.hears_routers)) {
        // A host that forwards hears no router unless it is told to twice.
        const bool forwards = now.forwarding.value_or(have.forwarding.value_or(true));
        settings.push_back({"ipv6", "accept_ra", *now.hears_routers ? (forwards ? '2' : '1') : '0'});
    }
    if (differs(now.forwarding, have.forwarding)) {
        settings.push_back({"ipv4", "forwarding", *now.forwarding ? '1' : '0'});
        settings.push_back({"ipv6", "forwarding", *now.forwarding ? '1' : '0'});
    }
    if (differs(now.ipv6, have.ipv6) && *now.ipv6) settings.push_back({"ipv6", "disable_ipv6", '0'});
    return settings;
}

}  // namespace

Result<bool> write_sysctls(const Link& now, const Link& have) {
    const auto settings = settings_of(*now.stack, have.stack.value_or(HostStack{}));
    const bool lacks_ipv6 = now.stack->ipv6 == false || is_too_small_for_ipv6(have.mtu);
    for (const auto& [family, key, value] : settings) {
        if (auto written = write_sysctl(family, now.name, key, value, lacks_ipv6); !written) return written.error();
    }
    return !settings.empty();
}

}  // namespace bridges
