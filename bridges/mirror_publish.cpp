// How the mirror becomes a State: with the names of the moment, and sharing what has not changed.
#include "bridges/mirror.hpp"

#include <linux/if_addr.h>

namespace bridges {

IfName Mirror::name_of(int index) const {
    const auto link = links_.find(index);
    if (link == links_.end() || !link->second.reported) return IfName::observed("?");
    return link->second.report.link.name;
}

bool Mirror::filters(int bridge) const {
    const auto link = links_.find(bridge);
    return link != links_.end() && filters_vlans(link->second.report.link);
}

bool Mirror::is_datapath(int link) const {
    const auto found = links_.find(link);
    return found != links_.end() && found->second.report.link.facts.kind == "openvswitch";
}

// Addresses that the kernel has routed and somebody has not left so. It routes none of a link that is down, and those of a link
// in a VRF elsewhere.
std::set<Subnet> Mirror::unrouted(const Seen& seen) const {
    std::set<Subnet> found;
    const auto master = links_.find(seen.report.master);
    if (seen.report.link.up != true || (master != links_.end() && master->second.report.link.facts.kind == "vrf")) return found;
    const Places& places = seen.places.get();
    for (const auto& [address, has_route] : places.addresses) {
        const Subnet to = address.first.network();
        const auto there = places.subnets.lower_bound({to, 0});
        if (has_route && (there == places.subnets.end() || there->first != to)) found.insert(address.first);
    }
    return found;
}

// With the metric of the route that an address' maker has made to its subnet.
std::set<OddAddress> Mirror::odd_addresses(const Places& places) {
    std::set<OddAddress> told;
    for (OddAddress odd : places.odd) {
        if (odd.flags & IFA_F_NOPREFIXROUTE) {
            const auto route = places.subnets.lower_bound({odd.address.network(), 0});
            const bool has_route = route != places.subnets.end() && route->first == odd.address.network();
            odd.metric = has_route ? std::optional(route->second) : std::nullopt;
        }
        told.insert(std::move(odd));
    }
    return told;
}

// The link as State shows it.
Link Mirror::named(const Seen& seen) const {
    const LinkReport& report = seen.report;
    Link link = report.link;
    RareFacts facts = link.facts.rare.get();
    // A port of Open vSwitch has the datapath for a master here; whose port it is, and its leaving, are OVSDB's affair.
    const bool has_master = report.master && !is_datapath(report.master);
    link.master = Master{has_master ? std::optional(name_of(report.master)) : std::nullopt};
    if (auto* vlan = link.as<Vlan>()) vlan->base = name_of(report.base);
    if (auto* bond = link.as<Bond>()) {
        if (bond->options.contains("primary")) bond->options["primary"] = report.primary ? name_of(report.primary).text() : "";
        if (report.active) facts.active_port = name_of(report.active);
    }
    link.traffic = seen.traffic.get().shown([this](int index) {
        const auto target = links_.find(index);
        return target != links_.end() && target->second.reported ? std::optional(name_of(index)) : std::nullopt;
    });
    facts.fixed_mac = has_fixed_mac_ && link.is_device() && link.facts.kind != "openvswitch" && has_fixed_mac_(link.name);
    facts.foreign_qdisc = seen.traffic.get().foreign_qdisc();
    facts.foreign_filters = seen.traffic.get().has_foreign_filters();
    const Places& places = seen.places.get();
    facts.autoconf = places.autoconf;
    facts.tentative = places.tentative;
    facts.duplicate = places.duplicate;
    facts.expiring = places.expiring;
    facts.routers = places.routers;
    link.addresses.emplace();
    for (const auto& [address, has_route] : places.addresses) link.addresses->insert(address.first);
    link.odd_addresses = odd_addresses(places);
    facts.unrouted = unrouted(seen);
    if (facts.unrouted.empty()) link.routed = true;
    if (facts != link.facts.rare.get()) link.facts.rare = topology::Shared(std::move(facts));
    if (!host_rules_stand_ && link.standing->is_of_network()) link.standing.reset();
    if (const auto filter = filters_.filters.find(link.name); filter != filters_.filters.end()) link.filter = filter->second;
    if (filters_.gates && link.as<Bridge>()) link.gate = filters_.gates->bridges.contains(link.name);
    if (filters_.gates && link.facts.kind == "tun") link.admitted = filters_.gates->admitted.contains(link.name);
    if (filters_vlans(report.link) || (report.master && filters(report.master))) link.vlans = seen.tags.visible();
    return link;
}

// Those who show the name or the filtering of a link that has changed.
void Mirror::mark_dependents() {
    for (const int index : std::exchange(changed_faces_, {})) {
        if (const auto all = dependents_.find(index); all != dependents_.end()) {
            changed_links_.insert(all->second.begin(), all->second.end());
        }
    }
    if (!std::exchange(has_renamed_, false)) return;
    for (const auto& [key, route] : routes_) changed_routes_.insert(key);
}

void Mirror::publish_link(int index) {
    const auto found = links_.find(index);
    if (found == links_.end() || !found->second.reported || found->second.report.is_loopback) return;
    Link link = named(found->second);
    published_.insert_or_assign(index, link.name);
    if (const Link* shown = state_.links.find(link.name); shown && *shown == link) return;
    state_.links.put(std::move(link));
    has_changed_ = true;
}

// Another route has taken the place of the kernel's own; or of one by a router, and which of these it was nobody says.
void Mirror::give_way(const Subnet& to, std::uint32_t metric) {
    const bool leads_away = to.is_v6() && to.length() == 0;
    for (auto& [index, seen] : links_) {
        if (!seen.places.get().subnets.contains({to, metric}) && !(leads_away && !seen.places.get().routers.empty())) continue;
        seen.places.edit().subnets.erase({to, metric});
        changed_links_.insert(index);
        if (!leads_away) continue;
        seen.places.edit().routers.clear();
        doubts_.insert({true, 0, Route::main_table});
    }
}

void Mirror::publish_routes() {
    for (const auto& key : std::exchange(changed_routes_, {})) {
        const auto found = routes_.find(key);
        if (found == routes_.end()) {
            has_changed_ |= state_.routes.erase(key);
            continue;
        }
        Route route = found->second.route;
        route.device = name_of(found->second.device);
        if (const Route* shown = state_.routes.find(key); shown && *shown == route) continue;
        state_.routes.put(std::move(route));
        has_changed_ = true;
    }
}

bool Mirror::settle() {
    read_waiting();
    mark_dependents();
    sift_routes();
    // Names that were left go first, so that links may have swapped them.
    for (const int index : changed_links_) {
        const auto shown = published_.find(index);
        if (shown == published_.end() || (links_.contains(index) && name_of(index) == shown->second)) continue;
        has_changed_ |= state_.links.erase(shown->second);
        published_.erase(shown);
    }
    for (const int index : std::exchange(changed_links_, {})) publish_link(index);
    publish_routes();
    return std::exchange(has_changed_, false);
}

void Mirror::inherit(const Mirror& older) {
    if (older.state_ == State()) return;
    const auto share = [](auto shared, const auto& fresh) {
        using Set = std::decay_t<decltype(fresh)>;
        const auto before = shared;
        Set::each_difference(before, fresh, [&](const auto* was, const auto* now) {
            if (now) shared.put(*now);
            else shared.erase(was->key());
        });
        return shared;
    };
    state_ = {share(older.state_.links, state_.links), share(older.state_.routes, state_.routes),
              share(older.state_.rules, state_.rules)};
}

void Mirror::take_filters(const FilterContent& now) {
    const bool other_gates = filters_.gates.has_value() != now.gates.has_value();
    std::set<IfName> names;
    for (const auto* content : {&std::as_const(filters_), &now}) {
        for (const auto& [port, filter] : content->filters) names.insert(port);
        if (!content->gates) continue;
        names.insert(content->gates->bridges.begin(), content->gates->bridges.end());
        names.insert(content->gates->admitted.begin(), content->gates->admitted.end());
    }
    for (const IfName& name : names) take_filter(name, now);
    filters_ = now;
    if (!other_gates) return;
    for (const auto& [index, seen] : links_) changed_links_.insert(index);
}

void Mirror::take_host_rules(bool stand) {
    if (std::exchange(host_rules_stand_, stand) == stand) return;
    for (const auto& [index, seen] : links_)
        if (seen.reported && seen.report.link.standing->is_of_network()) changed_links_.insert(index);
}

namespace {

// True if it was not so already.
bool put(std::set<IfName>& names, const IfName& name, bool is_in) { return is_in ? names.insert(name).second : names.erase(name) > 0; }

}  // namespace

void Mirror::take_filter(const IfName& name, const FilterContent& now) {
    const auto found = filters_.filters.find(name);
    const auto wanted = now.filters.find(name);
    const bool had = found != filters_.filters.end(), has = wanted != now.filters.end();
    bool is_another = had != has || (has && !(found->second == wanted->second));
    if (has) filters_.filters.insert_or_assign(name, wanted->second);
    else if (had) filters_.filters.erase(found);
    if (filters_.gates && now.gates) {
        is_another |= put(filters_.gates->bridges, name, now.gates->bridges.contains(name));
        is_another |= put(filters_.gates->admitted, name, now.gates->admitted.contains(name));
    }
    if (const int index = is_another ? index_of(name.text()) : 0) changed_links_.insert(index);
}

int Mirror::index_of(const std::string& name) const {
    const Link* link = state_.links.find(IfName::observed(name));
    return link ? link->facts.index : 0;
}

std::vector<Message> Mirror::traffic_questions() const {
    std::vector<Message> all;
    for (const auto& [index, seen] : links_)
        for (Message& question : seen.traffic.get().questions(index)) all.push_back(std::move(question));
    return all;
}

std::vector<int> Mirror::indices() const {
    std::vector<int> all;
    for (const auto& [index, seen] : links_) all.push_back(index);
    return all;
}

}  // namespace bridges
