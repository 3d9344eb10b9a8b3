// Hears routers on the networks of which the kernel shall not take one for the host's way (accept_ra_defrtr=0): by which one such a network
// leaves is kept as leases are, and so outlives netd, ends by its time, and is followed.
#pragma once

#include "bridges/state.hpp"
#include "netd/daemon/lease_folder.hpp"
#include "netd/daemon/routers.hpp"
#include "netd/loop/fd.hpp"

#include <map>
#include <optional>

namespace netd {

class RouterEar {
public:
    explicit RouterEar(const loop::Clock& clock);

    int descriptor() const { return epoll_.number(); }  // readable when a router is heard; negative where none can be
    std::optional<std::chrono::nanoseconds> next() const { return next_; }

    // Listens for these, and for no others. What was left for them is in the folder.
    void attend(const lower::Clients& hearers, const bridges::State& host, const LeaseFolder& leases);
    // Leaves what is new there.
    void hear(const LeaseFolder& leases);

private:
    // A wire has an ear of its own: who shouts on one is heard there alone. Whoever was heard is not listened to for a moment.
    struct Wire {
        int device = 0;
        loop::Fd ear = {};
        std::optional<std::chrono::nanoseconds> rests = {};
        Routers routers = {};
    };
    void listen(Wire& wire) const;
    void hear(Wire& wire) const;

    loop::Fd epoll_;
    const loop::Clock* clock_;
    std::map<std::string, Wire> wires_;  // by lower::router_key()
    std::optional<std::chrono::nanoseconds> next_ = {};
};

}  // namespace netd
