// What of the drift is news: what has come, and what is over.
#pragma once

#include "netd/observe/drift.hpp"

namespace observe {

// Remembers what was told, since a thing that deviates otherwise than before is not as defined yet.
class DriftNews {
public:
    struct Told {
        Drift::Deviations found = {}, repaired = {};
    };

    // The deviations of networks of now, against those that were told and are not over. One with another `found` than before
    // is found anew, and nothing is repaired by it. One is repaired when its subject has its attribute as defined; while a
    // thing is missing it has none, and one that is there again is so when nothing of it deviates.
    Told hear(const Drift::Deviations& now);

private:
    Drift::Deviations open_;
};

}  // namespace observe
