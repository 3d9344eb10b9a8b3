// See services.hpp.
#include "topology/services.hpp"

#include "topology/numbers.hpp"

namespace topology {

namespace {

// 0 if it is none.
std::uint16_t port_in(std::string_view text) {
    const auto port = parse_number(text, 1, 65535);
    return port ? static_cast<std::uint16_t>(*port) : std::uint16_t(0);
}

}  // namespace

Result<Service> Service::parse(std::string_view text) {
    const Error due{Fault::invalid, std::string(text), "a service is due here, such as \"tcp/22\", \"udp/4789\" or \"tcp/49152-49215\""};
    const auto slash = text.find('/');
    if (slash == text.npos) return due;
    Service service{std::string(text.substr(0, slash))};
    const auto ports = text.substr(slash + 1);
    const auto dash = ports.find('-');
    service.first = port_in(ports.substr(0, dash));
    service.last = dash == ports.npos ? service.first : port_in(ports.substr(dash + 1));
    const bool is_known = service.protocol == "tcp" || service.protocol == "udp" || service.protocol == "sctp";
    if (!is_known || service.first == 0 || service.last < service.first) return due;
    return service;
}

std::string Service::text() const {
    const auto text = protocol + '/' + std::to_string(first);
    return first == last ? text : text + '-' + std::to_string(last);
}

Services usual_services() {
    return {{Role::management, {{"tcp", 22, 22}, {"tcp", 54321, 54321}}},
            {Role::migration, {{"tcp", 16514, 16514}, {"tcp", 49152, 49215}}},
            {Role::display, {{"tcp", 5900, 6923}}},
            {Role::gluster, {{"tcp", 111, 111}, {"tcp", 2049, 2049}, {"tcp", 24007, 24008}, {"tcp", 38465, 38469}, {"tcp", 49152, 49664}, {"udp", 111, 111}}}};
}

std::set<Service> services_of(const Services& services, const Standing& standing) {
    std::set<Service> all;
    for (const auto& [role, open] : services)
        if (standing.has(role)) all.insert(open.begin(), open.end());
    return all;
}

}  // namespace topology
