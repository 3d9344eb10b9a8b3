// How many frames of guests the flows dropped, read from ovs-vswitchd at the moment of the question.
#pragma once

#include "ovs-driver/filtered.hpp"
#include "ovs-driver/openflow.hpp"
#include "ovs-driver/state.hpp"
#include "topology/block_reasons.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ovs {

using topology::Blocked;

// Belongs to the thread that reads.
class BlockedFlows {
public:
    // Where ovs-vswitchd has its bridges' management sockets: "/run/openvswitch".
    explicit BlockedFlows(std::string folder) : folder_(std::move(folder)) {}

    // Of the ports of `state` that are filtered. A bridge that does not answer within a moment is told as it last was, and is
    // not asked for a while. Counts begin anew when ovs-vswitchd does.
    Blocked read(const State& state);

private:
    struct Bridge {
        std::unique_ptr<OpenFlow> connection = {};
        std::chrono::steady_clock::time_point next_try = {};
        std::vector<OpenFlow::Count> counts = {};  // as last told
    };

    topology::Result<> ask(const IfName& name, const FilteredPorts& ports, Bridge& bridge);

    std::string folder_;
    std::map<IfName, Bridge> bridges_;
};

}  // namespace ovs
