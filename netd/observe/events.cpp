// Two walks over what differs: the links that the kernel has, and the definitions that hold.
#include "netd/observe/events.hpp"

#include "netd/lower/naming.hpp"
#include "netd/observe/devices.hpp"

#include <algorithm>
#include <set>

namespace observe {
namespace {

using Attributes = std::map<std::string, std::string>;

std::string state_text(const Link* link) { return std::string(topology::name_of(link ? state_of(*link) : NodeState::missing)); }

std::set<topology::Subnet> addresses_of(const Link* link) {
    std::set<topology::Subnet> all;
    if (!link) return all;
    all = link->facts.rare.get().autoconf;
    if (link->addresses) all.insert(link->addresses->begin(), link->addresses->end());
    return all;
}

std::string texts(const std::set<topology::Subnet>& addresses, const std::set<topology::Subnet>& but) {
    std::string text;
    for (const auto& address : addresses)
        if (!but.contains(address)) text += (text.empty() ? "" : " ") + address.text();
    return text;
}

template <class Value>
std::string text_or_none(const std::optional<Value>& value) {
    if constexpr (requires(const Value& held) { held.text(); }) return value ? value->text() : "";
    else return value ? std::to_string(*value) : "";
}

template <class Kind>
bool is(const Link* link) {
    return link && link->as<Kind>();
}

class Watcher {
public:
    Watcher(const Snapshot& was, const Snapshot& now) : was_(was), now_(now) {}

    std::vector<Event> watch() {
        topology::Keyed<intent::Network>::each_difference(was_.running.networks(), now_.running.networks(),
                                                          [&](const auto* before, const auto* after) { tell(before, after); });
        topology::Keyed<Link>::each_difference(was_.observed.kernel.links, now_.observed.kernel.links,
                                               [&](const Link* before, const Link* after) { tell(before, after); });
        for (auto& [name, attributes] : networks_) {
            complete(name, attributes);
            events_.push_back({"network.changed", name, std::move(attributes)});
        }
        topology::Keyed<intent::GuestNic>::each_difference(was_.running.nics(), now_.running.nics(),
                                                           [&](const auto* before, const auto* after) { tell(before, after); });
        return std::move(events_);
    }

private:
    void tell(const Link* was, const Link* now) {
        const Link& link = now ? *now : *was;
        const std::string& name = link.name.text();
        if (state_text(was) != state_text(now) && is_on_the_wire(link, now ? now_ : was_))
            events_.push_back({"nic.link", name, {{"was", state_text(was)}, {"state", state_text(now)}}});
        if (is<bridges::Bond>(was) && is<bridges::Bond>(now)) tell_bond(*was, *now);
        if (addresses_of(was) != addresses_of(now))
            events_.push_back({"address.changed", name, {{"added", texts(addresses_of(now), addresses_of(was))},
                                                         {"removed", texts(addresses_of(was), addresses_of(now))}}});
        tell_device(was, now);
    }

    void tell_bond(const Link& was, const Link& now) {
        if (was.facts.rare.get().active_port != now.facts.rare.get().active_port)
            events_.push_back({"bond.failover", now.name.text(), {{"was", text_or_none(was.facts.rare.get().active_port)},
                                                                  {"active", text_or_none(now.facts.rare.get().active_port)}}});
        if (was.facts.rare.get().aggregator == now.facts.rare.get().aggregator && was.facts.rare.get().partner_mac == now.facts.rare.get().partner_mac) return;
        events_.push_back({"bond.lacp", now.name.text(), {{"aggregator", text_or_none(now.facts.rare.get().aggregator)},
                                                          {"partner", text_or_none(now.facts.rare.get().partner_mac)}}});
    }

    // A network is also another one when its device is.
    void tell_device(const Link* was, const Link* now) {
        const bool has_other_state = state_text(was) != state_text(now);
        if (!has_other_state && !(was && now && was->mtu != now->mtu)) return;
        const Link& link = now ? *now : *was;
        for (const intent::Network* network : networks_of(link)) {
            Attributes changes;
            if (has_other_state) changes["state"] = state_text(now);
            const auto mtu = mtu_of(*network, now);
            if (was && now && mtu && mtu_of(*network, was) != mtu) changes["mtu"] = std::to_string(mtu->number());
            if (changes.empty()) continue;
            Attributes& told = networks_[network->name.text()];
            told.insert({"change", "device"});
            told.insert({"device", link.name.text()});
            told.insert(changes.begin(), changes.end());
        }
    }

    // By which the host has it: a filtering bridge, where it has no device of its own.
    static IfName device_of(const intent::Network& network, const Snapshot& at) {
        const Realisation how = realisation_of(network, at.running, at.observed.kernel);
        return how.has_device ? how.device : how.bridge;
    }

    // What networks share has the largest MTU of all that do.
    std::optional<topology::Mtu> mtu_of(const intent::Network& network, const Link* device) const {
        if (!device || !device->mtu || realisation_of(network, now_.running, now_.observed.kernel).has_device) return device ? device->mtu : std::nullopt;
        return std::min(*device->mtu, network.mtu);
    }

    // The network on Open vSwitch whose device is called so, if that is not its own name. The mark on such a device is in a row of
    // Open vSwitch's database, which goes before the device does and may be gone by then.
    const intent::Network* switched_network_of(const Link& device) {
        const bool may_be = device.facts.kind == "openvswitch" || device.facts.kind == "tun";  // of the kernel's datapath, and of the other one
        if (!may_be || device.name.text().find('-') == std::string::npos) return nullptr;      // derived names have a dash, libvirt's taps have none
        if (!switched_) {
            switched_.emplace();
            for (const intent::Network& network : now_.running.networks())
                if (network.switch_kind == intent::SwitchKind::ovs) switched_->emplace(lower::top_device(network), &network);
        }
        const auto found = switched_->find(device.name);
        return found == switched_->end() ? nullptr : found->second;
    }

    // Those whose device it is: by the mark on it, by its name, or by what stands on it.
    std::vector<const intent::Network*> networks_of(const Link& link) {
        std::vector<const intent::Network*> found;
        const auto add = [&](const intent::Network* network) {
            if (network && device_of(*network, now_) == link.name && std::find(found.begin(), found.end(), network) == found.end()) found.push_back(network);
        };
        constexpr std::string_view mark = "network ", shared = "base ";
        const auto role = link.owner ? link.owner->role : std::nullopt;
        if (role && role->starts_with(mark)) add(now_.running.network(std::string_view(*role).substr(mark.size())));
        if (role && role->starts_with(shared))
            if (const intent::Base* base = now_.running.bases().find(IfName::observed(role->substr(shared.size()))))
                for (const intent::Rider& rider : base->riders) add(now_.running.networks().find(rider.network));
        add(now_.running.network(link.name.text()));
        if (!role) add(switched_network_of(link));
        if (const intent::Base* base = now_.running.bases().find(link.name))
            if (const intent::Rider* rider = base->with_tag(std::nullopt)) add(now_.running.networks().find(rider->network));
        return found;
    }

    void tell(const intent::Network* was, const intent::Network* now) {
        const char* change = !was ? "added" : !now ? "removed" : "changed";
        networks_[(now ? now : was)->name.text()] = {{"change", change}};
    }

    // With what its device is now, or was called, if the network is gone.
    void complete(const std::string& name, Attributes& attributes) const {
        const intent::Network *now = now_.running.network(name), *was = was_.running.network(name);
        if (!now && !was) return;
        const IfName called = now ? device_of(*now, now_) : device_of(*was, was_);
        const bool is_left_to_others = !now && called != lower::top_device(*was);
        const Link* device = is_left_to_others ? nullptr : now_.observed.kernel.links.find(called);
        attributes.insert({"device", called.text()});
        attributes.insert({"state", state_text(device)});
        if (const auto mtu = mtu_of(now ? *now : *was, device)) attributes.insert({"mtu", std::to_string(mtu->number())});
    }

    void tell(const intent::GuestNic* was, const intent::GuestNic* now) {
        if (was && now && was->network == now->network) return;
        if (was && !was->network.empty()) events_.push_back({"guest.unplugged", was->vm, attributes_of(*was)});
        if (now && !now->network.empty()) events_.push_back({"guest.plugged", now->vm, attributes_of(*now)});
    }

    static Attributes attributes_of(const intent::GuestNic& nic) {
        return {{"mac", nic.mac.text()}, {"network", nic.network}, {"port", lower::port_of(nic).text()}};
    }

    const Snapshot &was_, &now_;
    std::vector<Event> events_;
    std::map<std::string, Attributes> networks_;
    std::optional<std::map<IfName, const intent::Network*>> switched_;  // once somebody asks
};

}  // namespace

std::vector<Event> events_between(const Snapshot& was, const Snapshot& now) { return Watcher(was, now).watch(); }

}  // namespace observe
