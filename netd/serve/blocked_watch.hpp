// Looks from time to time whether filters, or the rules of the host, dropped anything, or whether what is bound to a network of its role left by
// another device, and tells it; the kernel counts, but says nothing by itself.
#pragma once

#include "bridges/blocked.hpp"
#include "netd/loop/clock.hpp"
#include "netd/loop/timer.hpp"
#include "netd/observe/snapshot.hpp"
#include "ovs-driver/blocked_flows.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace serve {

// What of `now` is more than in `before`, {port: {reason: frames}}. A count that went back began anew.
bridges::Blocked news_of(const bridges::Blocked& before, const bridges::Blocked& now);

// What the kernel's tables count, and the flows of Open vSwitch. Of a port on a bridge of `state` the flows alone count: the tables may know it from
// a Linux bridge that it was on before.
bridges::Blocked together(bridges::Blocked tables, bridges::Blocked flows, const ovs::State& state);

// The networks of the role on which the host has an address.
std::vector<std::string> homes_of(topology::Role role, const observe::Snapshot& snapshot);

// Lives on the loop's thread.
class BlockedWatch {
public:
    using Tell = std::function<void(const char* topic, nlohmann::json event)>;

    // `ovs_folder` is where ovs-vswitchd has its bridges' sockets.
    static topology::Result<std::unique_ptr<BlockedWatch>> open(loop::EventLoop& loop, const loop::Clock& clock, std::string ovs_folder, Tell tell);

    // As kernel and Open vSwitch count at this moment; as they last did where that can't be read.
    bridges::Blocked read();
    // Of roles that have a home; none where that can't be read.
    bridges::Strays read_strays();

    // Whose ports and devices these are. Without any nobody looks.
    void follow(observe::Published snapshot);

private:
    BlockedWatch(const loop::Clock& clock, std::string ovs_folder, Tell tell) : clock_(clock), tell_(std::move(tell)), flows_(std::move(ovs_folder)) {}
    void begin();
    void meet_ovs();
    void take_as_told(const bridges::Blocked& flows);
    void look();
    void tell_strays();

    const loop::Clock& clock_;
    Tell tell_;
    bridges::BlockedReader reader_;
    ovs::BlockedFlows flows_;
    std::unique_ptr<loop::Timer> timer_;
    observe::Published snapshot_;
    std::optional<bridges::Blocked> tables_ = {};  // the kernel's, as last read
    std::optional<bridges::Blocked> told_ = {};    // none before the first reading
    std::optional<bridges::Strays> strays_ = {};  // of all roles, as last told
    bridges::Strays homeless_ = {};               // of each role, while it last had no home
    std::optional<std::set<topology::IfName>> older_ = {};  // ports that this netd found at Open vSwitch, of which it has not been told yet
};

}  // namespace serve
