// Only what netd reads is kept; a router that is given as a static route (option 121) wins over option 3, as RFC 3442 has it.
#include "netd/daemon/lease_file.hpp"

#include "netd/loop/clock.hpp"
#include "topology/host_address.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <unistd.h>

extern char** environ;

namespace netd {

using topology::IpAddress;
using topology::Subnet;

namespace {

constexpr long long forever = 0xffffffff;  // RFC 2131 3.3

using Told = std::map<std::string, std::string>;

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

Told read(const std::string& text) {
    Told told;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (const auto sign = line.find('='); sign != std::string::npos) told[line.substr(0, sign)] = line.substr(sign + 1);
    return told;
}

std::string at(const Told& told, const std::string& key) {
    const auto found = told.find(key);
    return found == told.end() ? std::string() : found->second;
}

bool can_be_a_hosts(const IpAddress& address) { return topology::unfit_for_a_host(*Subnet::from(address, address.is_v6() ? 128 : 32)).empty(); }

// Of hosts; what no host can have is left out.
void add_addresses(const std::string& text, std::vector<IpAddress>& into) {
    for (const std::string& word : words_of(text))
        if (auto address = IpAddress::parse(word); address && can_be_a_hosts(*address)) into.push_back(*address);
}

// A router is another host.
bool can_be_router(const lower::Lease& lease, const IpAddress& router) {
    return !router.is_v6() && can_be_a_hosts(router) && std::ranges::none_of(lease.addresses, [&](const Subnet& address) { return address.address() == router; });
}

// One outside the subnet is on the wire all the same, or nobody could reach it.
void take_gateway(lower::Lease& lease, const IpAddress& router) {
    lease.gateway = router;
    if (std::ranges::none_of(lease.addresses, [&](const Subnet& address) { return address.contains(router); })) lease.on_link.insert(*Subnet::from(router, 32));
}

void add_ways(const Told& told, lower::Lease& lease) {
    const auto routes = words_of(at(told, "new_classless_static_routes"));
    for (std::size_t i = 0; i + 1 < routes.size(); i += 2) {
        auto to = Subnet::parse(routes[i]);
        auto via = IpAddress::parse(routes[i + 1]);
        if (!to || !via || to->is_v6()) continue;
        if (via->is_unspecified() && to->length() > 0) lease.on_link.insert(to->network());  // RFC 3442: on the wire itself
        if (!can_be_router(lease, *via)) continue;
        if (to->length() == 0) take_gateway(lease, *via);
        else lease.routes.push_back({to->network(), *via});
    }
    if (!routes.empty()) return;
    std::vector<IpAddress> routers;
    add_addresses(at(told, "new_routers"), routers);
    if (!routers.empty() && can_be_router(lease, routers.front())) take_gateway(lease, routers.front());
}

// "new_dhcp6_ia_na1_ia_addr1": an address of its own, and none of what is said about it.
bool is_ipv6_address(const std::string& key) {
    const auto at = key.find("_ia_addr");
    return key.starts_with("new_dhcp6_ia_na") && at != std::string::npos && key.find('_', at + 8) == std::string::npos;
}

}  // namespace

News news_of(std::string_view reason) {
    for (const char* brings : {"BOUND", "RENEW", "REBIND", "REBOOT", "INFORM", "BOUND6", "RENEW6", "REBIND6", "REBOOT6", "INFORM6"})
        if (reason == brings) return News::brings;
    if (reason == "NAK") return News::ends;
    return News::keeps;  // without carrier, or without its client, the lease is as good as it was
}

std::optional<std::chrono::nanoseconds> end_of_lease(const std::string& text) {
    const Told told = read(text);
    std::optional<long long> seconds;
    const auto lasts = [&](const std::string& text) {
        const auto told_of = std::strtoll(text.c_str(), nullptr, 10);
        if (told_of > 0) seconds = std::min(seconds.value_or(told_of), told_of);
    };
    lasts(at(told, "new_dhcp_lease_time"));
    for (const auto& [key, value] : told)
        if (is_ipv6_address(key)) lasts(at(told, key + "_vltime"));  // of several the shortest, when all are asked for again
    const auto since = std::strtoll(at(told, "netd_since").c_str(), nullptr, 10);
    if (since <= 0 || !seconds || *seconds >= forever) return std::nullopt;
    return std::chrono::nanoseconds(since) + std::chrono::seconds(*seconds);
}

std::optional<lower::Lease> read_lease(const std::string& text) {
    const Told told = read(text);
    lower::Lease lease;
    const auto add = [&](const std::string& address) {
        if (auto subnet = Subnet::parse(address); subnet && subnet->length() > 0 && topology::unfit_for_a_host(*subnet).empty()) lease.addresses.insert(*subnet);
    };
    if (told.contains("new_ip_address")) add(at(told, "new_ip_address") + "/" + (told.contains("new_subnet_cidr") ? at(told, "new_subnet_cidr") : "32"));
    for (const auto& [key, value] : told)
        if (is_ipv6_address(key) && at(told, key + "_vltime") != "0") add(value + "/128");  // 0: the server has withdrawn it
    if (lease.addresses.empty()) return std::nullopt;
    add_ways(told, lease);
    add_addresses(at(told, "new_domain_name_servers"), lease.nameservers);
    add_addresses(at(told, "new_dhcp6_name_servers"), lease.nameservers);
    for (const char* key : {"new_domain_search", "new_domain_name", "new_dhcp6_domain_search"})
        if (lease.search.empty()) lease.search = words_of(at(told, key));
    return lease;
}

int keep_lease(const std::string& file) {
    const char* reason = std::getenv("reason");
    const News news = news_of(reason ? reason : "");
    if (news == News::keeps) return 0;
    const std::string beside = file + "~";
    std::ofstream out(beside, std::ios::trunc);
    if (news == News::brings) out << "netd_since=" << loop::SystemClock().boottime().count() << '\n';
    if (news == News::brings)
        for (char** one = environ; *one; ++one)
            if (std::strncmp(*one, "new_", 4) == 0 && !std::strchr(*one, '\n')) out << *one << '\n';
    out.close();
    return out && ::rename(beside.c_str(), file.c_str()) == 0 ? 0 : 1;
}

}  // namespace netd
