// The kernel's state as netd knows it, kept true by reports. It owns no socket: whoever has one feeds it.
//
// Links name each other by index in the kernel and by name in State. So the mirror keeps each link as it was reported,
// and publishes it with the names of the moment.
#pragma once

#include "bridges/filter_rules.hpp"
#include "bridges/fixed_mac.hpp"
#include "bridges/nl_read.hpp"
#include "bridges/state.hpp"
#include "bridges/stp_timers.hpp"
#include "bridges/traffic_control.hpp"

#include <map>
#include <set>
#include <unordered_map>
#include <vector>

namespace bridges {

// Routes about which the notifications do not say everything: to be looked at.
struct Doubt {
    bool v6 = false;
    int device = 0;                          // all routes through that link, or
    std::optional<std::uint32_t> table = {}; // all routes of that table
    auto operator<=>(const Doubt&) const = default;
};

bool filters_vlans(const Link& link);

class Mirror {
public:
    explicit Mirror(OwnTimersOf own_timers = {}, HasFixedMac has_fixed_mac = {}) : own_timers_(std::move(own_timers)), has_fixed_mac_(std::move(has_fixed_mac)) {}

    // Takes in one message. Of several about one link only the last is read, when settle() is called.
    void take(const nlmsghdr& message);
    // The same of a list, which tells of each once: nothing is kept until then.
    void take_listed(const nlmsghdr& message);

    // Publishes what was taken in. True if the state is another one now.
    bool settle();

    const State& state() const { return state_; }

    // Makes this the older mirror's successor: whatever has not changed is shared with its state.
    void inherit(const Mirror& older);

    // Routes to look at, and links whose stack to look at; each is told once.
    std::set<Doubt> take_doubts() { return std::exchange(doubts_, {}); }
    std::set<int> take_hints() {
        hints_.merge(std::exchange(stack_hints_, {}));
        return std::exchange(hints_, {});
    }

    // These are settled as far as they can be.
    void drop(const std::set<Doubt>& asked);
    // One of two rules that are the same went, if there were two: whoever lists all while one comes counts it twice.
    bool doubts_rules() const { return doubts_rules_; }

    // Forgets these routes, or all rules of AF_INET or AF_INET6: a fresh list of them follows.
    void forget(const Doubt& routes);
    void forget_rules(int family);

    // Which ports have which filter from now on, and which bridges a gate; shown once they are links.
    void take_filters(const FilterContent& now);
    // Of one device, as it is in there.
    void take_filter(const IfName& name, const FilterContent& now);
    // Whether the host's rules stand: while they do not, no device of a network shows how it stands.
    void take_host_rules(bool stand);

    // Both, as the other knows them.
    void take_rules(const Mirror& other) { filters_ = other.filters_, host_rules_stand_ = other.host_rules_stand_; }

    // What is to be asked about traffic control once qdiscs were listed.
    std::vector<Message> traffic_questions() const;

    int index_of(const std::string& name) const;
    std::vector<int> indices() const;
    bool knows(int index) const { return links_.contains(index); }

private:
    // What the host's stack has on a link.
    struct Places {
        std::map<std::pair<Subnet, IpAddress>, bool> addresses = {};  // with the peer: one may be there twice; whether it has_route
        std::set<std::pair<Subnet, std::uint32_t>> subnets = {};      // to which the kernel has made routes, each with its metric
        std::set<OddAddress> odd = {};
        std::set<Subnet> autoconf = {}, tentative = {}, duplicate = {}, expiring = {};
        std::set<IpAddress> routers = {};                             // of those that announce themselves: whom the kernel leaves by
        bool operator==(const Places&) const = default;
    };
    struct Seen {
        LinkReport report;
        PortTags tags = {};
        topology::Shared<Places> places = {};                   // most have none
        topology::Shared<TrafficSeen> traffic = {};             // most have none
        bool reported = false;                                  // false: only parts of it were heard so far
    };
    struct Waiting {
        std::vector<std::byte> message;
        std::optional<PortReport::Flags> flags = {};  // heard after the message
        bool was_down = false;              // by this message or one before it
        bool has_new_stack = false;         // by a hint before it
    };

    void take_report(Report report);
    void take(LinkReport report, bool was_down = false);  // in between, too
    void take(const LinkGone& gone);
    void take(PortReport report);
    void take(const VlanReport& report);
    void take(const AddressReport& report);
    void take(RouteReport report);
    void take(const SubnetReport& report);
    void give_way(const Subnet& to, std::uint32_t metric);
    void take(const RouterReport& report);
    void take(const RuleReport& report);
    void take(const StackHint& hint);
    void take_traffic(const nlmsghdr& message);
    void read_waiting();
    Seen* seen_of(int index, bool gone);
    void sift_routes();
    void publish_link(int index);
    void publish_routes();
    Link named(const Seen& seen) const;
    std::set<Subnet> unrouted(const Seen& seen) const;
    static std::set<OddAddress> odd_addresses(const Places& places);
    IfName name_of(int index) const;
    bool filters(int bridge) const;
    bool is_datapath(int link) const;
    void look_around(const LinkReport& left, bool gone);
    void relate(int index, const LinkReport& report, bool on);
    void mark_dependents();

    OwnTimersOf own_timers_;
    HasFixedMac has_fixed_mac_;
    std::unordered_map<int, Seen> links_;
    std::unordered_map<int, std::set<int>> dependents_;  // who shows that link's name or filtering
    std::unordered_map<int, Waiting> waiting_;
    std::map<Route::Key, RouteReport> routes_;
    std::map<Rule::Key, int> rule_counts_;  // the kernel takes the same rule twice
    FilterContent filters_;
    Options usual_options_;                 // of the bridge that was read last: those of most are the same, and shared
    bool host_rules_stand_ = true;
    std::map<int, IfName> published_;       // under which name each link is in state_

    std::set<int> changed_links_;
    std::set<int> changed_faces_;  // links whose name or filtering has changed
    bool has_renamed_ = false;
    std::set<Route::Key> changed_routes_;
    std::set<int> gone_links_;
    std::set<int> quiet_losers_;         // links whose IPv4 routes may have gone, which the kernel tells nobody
    std::set<int> downed_;               // those of them that were down
    std::set<IpAddress> lost_sources_;   // addresses that went, and the routes that start from them
    std::set<Doubt> doubts_;
    bool doubts_rules_ = false;
    std::set<int> hints_;
    std::set<int> stack_hints_;          // by the kernel's word that something of the stack has changed, which a later report of the link has in it
    State state_;
    bool has_changed_ = false;
};

}  // namespace bridges
