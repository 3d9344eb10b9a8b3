// A tap that others plugged into a bridge carries nothing until it is known that it is not the hypervisor's; those of that get a filter.
#pragma once

#include "netd/observe/backends.hpp"

#include <chrono>
#include <map>
#include <set>
#include <vector>

namespace netd {

class Gatekeeper {
public:
    explicit Gatekeeper(const observe::Backends& backends) : backends_(backends) {}

    // Lets in those of others, and shuts out the hypervisor's. True if the kernel was told of one, or did not take it.
    bool see_to_taps();

    // Where gates come to stand again, taps of others that are there stay as they were, unless they wait already. What has a name of
    // libvirt's waits for libvirt's word, and guests' own ports have filters.
    void admit_bystanders(const std::set<topology::IfName>& closing, const bridges::State& wanted);

private:
    // Who waits at a gate, since when, and by which question to the hypervisor it will be known to be none of its own.
    struct Newcomer {
        std::chrono::steady_clock::time_point came;
        std::uint64_t asked = 0;
    };
    void note_newcomers(std::vector<bridges::Op>& ops);
    bool is_admitted(const topology::IfName& tap, bool is_hypervisors);

    observe::Backends backends_;
    std::map<topology::IfName, Newcomer> newcomers_;
    topology::Keyed<bridges::Link> links_;  // among these, and
    topology::Keyed<guests::Nic> nics_;     // by these NICs of guests they were last looked for
};

}  // namespace netd
