// A port without carrier is the other end's affair or a person's intent; what is judged is how those that have one agree.
#include "netd/observe/bond_health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace observe {
namespace {

using bridges::Link;
using Ports = std::vector<const Link*>;

bool is_lacp(const Link& bond) {
    const auto* options = bond.as<bridges::Bond>();
    const auto mode = options->options.find("mode");
    return mode != options->options.end() && mode->second == "802.3ad";
}

std::string names_of(const Ports& ports) {
    std::string text;
    for (const Link* port : ports) text += (text.empty() ? "" : ", ") + port->name.text();
    return text;
}

// With fewer ports in an aggregator than that the kernel takes the bond's carrier away, in this mode alone.
std::string lack_of_ports(const Link& bond) {
    const auto& options = bond.as<bridges::Bond>()->options;
    const auto least = options.find("min_links");
    if (bond.facts.carrier || least == options.end() || least->second == "0") return "";
    return fmt::format("it carries nothing with fewer than min_links={} ports in one aggregator", least->second);
}

// The kernel gives each port that found no company an aggregator of its own, and uses one of them.
std::string lacp_verdict(const Link& bond, const Ports& live) {
    static const auto nobody = topology::Mac::of({0, 0, 0, 0, 0, 0});
    const std::string lack = lack_of_ports(bond);
    if (bond.facts.rare.get().partner_mac.value_or(nobody) == nobody)
        return fmt::format("nobody answers LACP at the other end of {} (partner {}): set up a LAG there; until then {}",
                           names_of(live), nobody.text(), lack.empty() ? "one port carries all" : lack);
    Ports apart;
    std::string places;
    for (const Link* port : live) {
        if (port->facts.rare.get().aggregator != bond.facts.rare.get().aggregator) apart.push_back(port);
        places += fmt::format("{}{} in {}", places.empty() ? "" : ", ", port->name.text(), port->facts.rare.get().aggregator.value_or(0));
    }
    if (apart.empty()) return lack;
    return fmt::format("the {} are not in one aggregator ({}), {}: put all of them into one LAG at the other end",
                       live.size() == 2 ? "two ports" : "ports", places, lack.empty() ? names_of(apart) + " carries nothing" : lack);
}

// All of the host, with their ports.
std::map<topology::IfName, Ports> bonds_of(const Snapshot& snapshot) {
    std::map<topology::IfName, Ports> bonds;
    for (const Link& link : snapshot.observed.kernel.links) {
        if (link.as<bridges::Bond>()) bonds[link.name];
        if (link.master && link.master->of)
            if (const Link* master = snapshot.observed.kernel.links.find(*link.master->of); master && master->as<bridges::Bond>())
                bonds[master->name].push_back(&link);
    }
    return bonds;
}

// One that is down does nothing by intent.
bool is_at_work(const Link& bond) { return bond.as<bridges::Bond>() && bond.up.value_or(false); }

bool carries(const Link* port) { return port->up.value_or(false) && port->facts.carrier; }

}  // namespace

std::string bond_verdict(const Link& bond, const Ports& ports) {
    if (!is_at_work(bond) || ports.empty()) return "";
    Ports live;
    std::ranges::copy_if(ports, std::back_inserter(live), carries);
    if (live.empty()) return fmt::format("none of its ports has a carrier: {}", names_of(ports));
    return is_lacp(bond) ? lacp_verdict(bond, live) : "";
}

std::map<std::string, std::string> bond_verdicts(const Snapshot& snapshot) {
    std::map<std::string, std::string> verdicts;
    for (const auto& [name, ports] : bonds_of(snapshot))
        if (auto verdict = bond_verdict(*snapshot.observed.kernel.links.find(name), ports); !verdict.empty()) verdicts[name.text()] = std::move(verdict);
    return verdicts;
}

std::map<std::string, std::vector<std::string>> dead_ports(const Snapshot& snapshot) {
    std::map<std::string, std::vector<std::string>> dead;
    for (const auto& [name, ports] : bonds_of(snapshot)) {
        if (std::ranges::none_of(ports, carries) || !is_at_work(*snapshot.observed.kernel.links.find(name))) continue;
        for (const Link* port : ports)
            if (!carries(port)) dead[name.text()].push_back(port->name.text());
    }
    return dead;
}

}  // namespace observe
