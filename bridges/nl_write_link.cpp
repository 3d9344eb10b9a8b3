// Changes of links that are there.
#include "bridges/bond_options.hpp"
#include "bridges/bond_options_wire.hpp"
#include "bridges/bridge_options_wire.hpp"
#include "bridges/bridge_vlans.hpp"
#include "bridges/host_rules.hpp"
#include "bridges/marks.hpp"
#include "bridges/nl_write.hpp"
#include "bridges/port_flags_wire.hpp"
#include "topology/compare.hpp"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>

#include <algorithm>

namespace bridges {

namespace {

Message change_of(int type, int index, bool up = false, bool flags = false) {
    ifinfomsg header = {};
    header.ifi_index = index;
    if (flags) header.ifi_change = IFF_UP;
    if (up) header.ifi_flags = IFF_UP;
    return Message(type, 0, header, link_room);
}

template <topology::Optional Held>
bool differs(const Held& wanted, const Held& found) {
    return wanted && wanted != found;
}

// Only what is not so already.
Options missing_options(const Options& now, const Options& have) {
    Options missing;
    for (const auto& [key, value] : now) {
        const auto found = have.find(key);
        if (found == have.end() || found->second != value) missing[key] = value;
    }
    return missing;
}

Result<Options> options_to_set(const Link& now, const Link& have) {
    if (now.is_device()) return Options{};
    if (!have.kind || now.kind->index() != have.kind->index()) {
        const auto is = have.kind ? name_of(*have.kind) : "device";
        return Error{Fault::conflict, now.name.text(), fmt::format("it is a {} and cannot become a {}", is, name_of(*now.kind))};
    }
    if (const auto* bridge = now.as<Bridge>()) {
        const Options& there = std::get<Bridge>(*have.kind).options;
        Options missing = missing_options(bridge->options, there);
        // The short ageing time of a topology that changes would stay for good: nothing ends it where there is no tree any more.
        const auto stp = missing.find("stp_state"), own = there.find("ageing_time");
        if (stp != missing.end() && stp->second == "0" && own != there.end()) missing.edit().emplace("ageing_time", own->second);
        return missing;
    }
    if (const auto* bond = now.as<Bond>()) {
        Options missing = missing_options(bond->options, std::get<Bond>(*have.kind).options);
        // A primary that has left the kernel remembers, and does not tell.
        const auto primary = bond->options.find("primary");
        if (primary != bond->options.end() && primary->second.empty()) missing.edit().insert(*primary);
        return missing;
    }
    const auto* tap = now.as<Tap>();
    if (tap ? topology::differences(*tap, std::get<Tap>(*have.kind)).empty() : *now.kind == *have.kind) return Options{};
    return Error{Fault::conflict, now.name.text(), "what it was made with cannot be changed while it is there"};
}

// The steps from one link to the other; each writes what it is for, if there is anything.
class Change {
public:
    Change(const Link& now, const Link& have, const State& host, std::vector<Message>& into)
        : now_(now), have_(have), index_(have.facts.index), host_(host), into_(into), is_up_(have.up.value_or(false)) {}

    Result<> write() {
        auto options = options_to_set(now_, have_);
        if (!options) return options.error();
        if (auto found = find_master(); !found) return found.error();
        const bool was_up = is_up_;
        if (is_up_ && (now_.up == false || must_be_down(*options))) switch_to(false);
        move_to_master();
        set_options(*options);
        set_port();
        if (differs(now_.promiscuous, have_.promiscuous)) into_.push_back(write_promiscuous(index_, *now_.promiscuous));
        set_rest(now_.up.value_or(was_up && !joins_bond_ && !leaves_));
        forget_routers();
        if (now_.addresses) write_addresses(now_, have_, into_);
        if (differs(now_.routed, have_.routed)) give_routes();
        return {};
    }

private:
    Result<> find_master() {
        if (!now_.master || now_.master == have_.master) return {};
        moves_ = true;
        leaves_ = !now_.master->of;
        if (leaves_) return {};
        master_ = host_.links.find(*now_.master->of);
        if (!master_) {
            return Error{Fault::lost_sync, now_.name.text(),
                         fmt::format("there is no \"{}\" to belong to", now_.master->of->text())};
        }
        joins_bond_ = master_->as<Bond>();
        return {};
    }

    // A bond takes only a port that is down, and some of its options only while it is down itself. A port that comes to a bridge
    // is isolated only by a message after that, and hears what it must not until then.
    bool must_be_down(const Options& options) const {
        if (joins_bond_ || (master_ && now_.isolated == true)) return true;
        return have_.as<Bond>() && std::ranges::any_of(options, [](const auto& option) {
                   return bond_option_needs_down(option.first) || bond_option_needs_empty(option.first);
               });
    }

    void switch_to(bool up) {
        into_.push_back(change_of(RTM_SETLINK, index_, up, true));
        is_up_ = up;
    }

    void put_size_and_address(Message& message) {
        if (differs(now_.mac, have_.mac)) message.bytes(IFLA_ADDRESS, now_.mac->bytes().data(), 6);
        if (differs(now_.mtu, have_.mtu)) message.number(IFLA_MTU, now_.mtu->number());
    }

    // In a message of its own: kernels before 6.0 switch a link up before they give it its master.
    void move_to_master() {
        if (!moves_) return;
        Message message = change_of(RTM_SETLINK, index_);
        // Who leaves a bond gets its old MAC and MTU back, so what is wanted comes after that.
        if (!leaves_) put_size_and_address(message);
        message.number(IFLA_MASTER, master_ ? master_->facts.index : 0);
        into_.push_back(std::move(message));
    }

    void set_options(const Options& options) {
        if (const auto mode = options.find("mode"); mode != options.end() && have_.as<Bond>())
            put_options(bond_options_to_leave(std::get<Bond>(*have_.kind).options, mode->second));
        // Only without STP may a bridge forward at once, and of one message the kernel reads the delay first.
        const auto stp = options.find("stp_state");
        if (stp != options.end() && stp->second == "0") put_options({*stp});
        // A bond's delays count by miimon, and can't be told without; of one message the kernel reads miimon first.
        const auto miimon = options.find("miimon");
        Options rest = options, delays;
        if (miimon != options.end() && miimon->second == "0")
            for (const char* delay : {"updelay", "downdelay", "peer_notif_delay"})
                if (const auto found = options.find(delay); found != options.end()) {
                    delays[delay] = found->second;
                    rest.edit().erase(delay);
                }
        put_options(delays);
        put_options(rest);
    }

    void put_options(const Options& options) {
        if (options.empty()) return;
        Message message = change_of(RTM_NEWLINK, index_);
        message.nest(IFLA_LINKINFO, [&] {
            message.text(IFLA_INFO_KIND, std::string(name_of(*have_.kind)));
            message.nest(IFLA_INFO_DATA, [&] {
                if (have_.as<Bond>()) put_bond_options(message, options, index_in(host_));
                else put_bridge_options(message, options);
            });
        });
        into_.push_back(std::move(message));
    }

    // What the link is as a port before this: a new one has what its bridge gives to all.
    PortVlans vlans_before() const {
        if (!moves_) return have_.vlans.value_or(PortVlans{});
        PortVlans given;
        const auto* bridge = master_ ? master_->as<Bridge>() : nullptr;
        if (!bridge) return given;
        const auto pvid = bridge->options.find("vlan_default_pvid");
        if (pvid == bridge->options.end() || pvid->second == "0") return given;
        if (const auto id = VlanId::parse(pvid->second)) given.untagged = *id;
        return given;
    }

    void set_port() {
        const auto isolated = moves_ ? std::optional(false) : have_.isolated;
        const auto flags = moves_ ? std::optional(PortFlags{}) : have_.flags;
        const auto forwards = moves_ ? std::optional(PortForwards{}) : have_.forwards;
        // What it sent while nothing filtered it may have moved others' addresses to it.
        const auto is_open = [](const auto& filter) { return !filter || filter->level.value() == topology::FilterLevel::trusted; };
        const bool was_open = now_.filter && is_open(have_.filter) && !is_open(now_.filter) && !moves_ && have_.flags;
        const bool has_flags = differs(now_.flags, flags), has_isolated = differs(now_.isolated, isolated), has_forwards = differs(now_.forwards, forwards);
        if (!leaves_ && (has_flags || has_isolated || has_forwards || was_open)) {
            ifinfomsg header = {};
            header.ifi_family = AF_BRIDGE;
            header.ifi_index = index_;
            Message message(RTM_SETLINK, 0, header);
            message.nest(IFLA_PROTINFO, [&] {
                if (has_isolated) message.number<std::uint8_t>(IFLA_BRPORT_ISOLATED, *now_.isolated);
                if (has_flags) put_port_flags(message, *now_.flags);
                if (was_open) message.bytes(IFLA_BRPORT_FLUSH, nullptr, 0);
                if (has_forwards) message.number<std::uint16_t>(IFLA_BRPORT_GROUP_FWD_MASK, now_.forwards->mask);
            });
            into_.push_back(std::move(message));
        }
        if (leaves_ || !now_.vlans) return;
        write_vlans(into_, index_, have_.as<Bridge>(), vlans_before(), *now_.vlans);
    }

    void give_routes() {
        for (const Subnet& address : have_.facts.rare.get().unrouted)
            if (!now_.addresses || now_.addresses->contains(address)) write_its_route(have_, address, into_);
    }

    // What routers said on a wire that it is no longer on, or that it is not to hear any more; and the address that it made of the MAC
    // that it had, also a moment ago, when IPv6 was switched on. A new one of that kind makes the kernel ask the routers of the wire where it is now.
    void forget_routers() {
        const auto has_ipv6 = now_.stack && now_.stack->ipv6 ? now_.stack->ipv6 : have_.stack ? have_.stack->ipv6 : std::nullopt;
        if (!have_.stack || has_ipv6 != true) return;
        const RareFacts& told = have_.facts.rare.get();
        const bool is_elsewhere = differs(now_.mac, have_.mac) && have_.mac;
        if (is_elsewhere || (now_.stack && now_.stack->autoconf == false))
            for (const Subnet& address : told.autoconf)
                if (!now_.addresses || !now_.addresses->contains(address)) into_.push_back(write_address_deletion(index_, address));
        if (is_elsewhere || (now_.stack && (now_.stack->ra_gateway == false || now_.stack->hears_routers == false)))
            for (const IpAddress& router : told.routers) into_.push_back(write_router_deletion(index_, router));
        if (is_elsewhere) write_link_local(index_, *now_.mac, *have_.mac, into_);
    }

    bool put_mark(Message& message) const {
        bool any = false;
        if (differs(now_.owner, have_.owner)) {
            const std::string alias = now_.owner->alias();
            message.bytes(IFLA_IFALIAS, alias.data(), alias.size());
            any = true;
        }
        const bool is_unmarked = now_.owner && have_.facts.group == unmarked_group;
        const auto group = now_.standing ? group_of(*now_.standing) : 0;
        if (is_unmarked || (now_.standing && group != have_.facts.group)) {
            message.number<std::uint32_t>(IFLA_GROUP, group);
            any = true;
        }
        return any;
    }

    bool put_arp(Message& message) const {
        if (!now_.stack || !now_.stack->arp_strict) return false;
        if (have_.stack && now_.stack->arp_strict == have_.stack->arp_strict) return false;
        const bool strict = *now_.stack->arp_strict;
        put_ipv4_settings(message, {{IPV4_DEVCONF_ARP_IGNORE, strict ? 1 : 0}, {IPV4_DEVCONF_ARP_ANNOUNCE, strict ? 2 : 0}});
        return true;
    }

    void set_rest(bool up) {
        const bool rises = up && !is_up_;
        Message message = change_of(RTM_SETLINK, index_, rises, rises);
        const bool has_size = (!moves_ || leaves_) && (differs(now_.mac, have_.mac) || differs(now_.mtu, have_.mtu));
        if (has_size) put_size_and_address(message);
        const bool has_mark = put_mark(message);
        const bool has_arp = put_arp(message);
        if (has_size || has_mark || has_arp || rises) into_.push_back(std::move(message));
    }

    const Link& now_;
    const Link& have_;
    const int index_;
    const State& host_;
    std::vector<Message>& into_;
    bool is_up_;
    const Link* master_ = nullptr;
    bool moves_ = false, leaves_ = false, joins_bond_ = false;
};

}  // namespace

void put_ipv4_settings(Message& message, std::initializer_list<std::pair<int, std::uint32_t>> settings) {
    message.nest(IFLA_AF_SPEC, [&] {
        message.nest(AF_INET, [&] {
            message.nest(IFLA_INET_CONF, [&] {
                for (const auto& [setting, value] : settings) message.number<std::uint32_t>(setting, value);
            });
        });
    });
}

Result<> write_changes(const Link& now, const Link& have, const State& host, std::vector<Message>& into) {
    return Change(now, have, host, into).write();
}

}  // namespace bridges
