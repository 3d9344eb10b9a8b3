// How many frames of guests the flows dropped, read from ovs-vswitchd at the moment of the question.
#pragma once

#include "ovs-driver/filtered.hpp"
#include "ovs-driver/openflow.hpp"
#include "ovs-driver/state.hpp"
#include "topology/block_reasons.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ovs {

using topology::Blocked;

// Belongs to the thread that reads.
class BlockedFlows {
public:
    // Where ovs-vswitchd has its bridges' management sockets: "/run/openvswitch".
    explicit BlockedFlows(std::string folder) : folder_(std::move(folder)) {}

    // Of the ports of `state` that are filtered. All bridges together have a moment to answer; those that it was too short for are
    // told as they last were, and are the first to be asked next time. One that had all of it and said nothing stands for ovs-vswitchd:
    // then nobody is asked for a while. Counts begin anew when ovs-vswitchd does.
    Blocked read(const State& state);

    // The filtered ports whose bridge has not answered yet.
    std::set<IfName> unheard(const State& state) const;

private:
    struct Bridge {
        std::unique_ptr<OpenFlow> connection = {};
        std::chrono::steady_clock::time_point next_try = {};
        std::optional<std::vector<OpenFlow::Count>> counts = {};  // as last told
    };

    using Time = std::chrono::steady_clock::time_point;

    void ask_all(const FilteredBridges& filtered);
    topology::Result<> ask(const IfName& name, const FilteredPorts& ports, Bridge& bridge, Time deadline);

    std::string folder_;
    std::map<IfName, Bridge> bridges_;
    std::optional<IfName> next_ = {};  // who is asked first
    Time again_ = {};                  // when ovs-vswitchd was silent
};

}  // namespace ovs
