// When frames go as ports and flows are now, and what guests taught a bridge before that is forgotten.
#pragma once

#include "ovs-driver/vswitchd.hpp"
#include "topology/names.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>

namespace ovs {

// To be begun when the ports and flows are there. For about a second what frames teach is still told to ovs-vswitchd as the flows of before
// had it: it teaches when it looks over, or takes away, what it had the datapath remember. So two rounds of that are waited for, as the one
// that is under way may have gone by what was. A bridge that is named then forgets all that it learned: it sends to all, as a new one does,
// until it has heard who is where. With two kinds of datapath there is no waiting for rounds, and it forgets at once.
class Settling {
public:
    // ovs-vswitchd has its sockets in `folder`: "/run/openvswitch".
    explicit Settling(const std::string& folder, const std::optional<topology::IfName>& taught = {});

    // Takes in what was answered, and asks on. True when it is done, and then it is not to be called again. Never blocks.
    bool run();
    // Registers with OVS' poll loop.
    void wait() const;

private:
    std::array<Vswitchd, 3> steps_;
    std::size_t step_ = 0, end_;
};

}  // namespace ovs
