// Nameservers through systemd-resolved, which has them by link: what it was told, and to whom it must be said again.
#pragma once

#include "netd/daemon/resolved_bus.hpp"
#include "netd/loop/clock.hpp"
#include "netd/loop/pause.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace netd {

class Resolved {
public:
    // The links that it was told of stand in `folder`, for as long as the machine runs.
    Resolved(std::string folder, const loop::Clock& clock, OpenBus open = open_resolved_bus);
    Resolved(const Resolved&) = delete;  // the bus tells this one
    Resolved& operator=(const Resolved&) = delete;

    // The link, by its index, has these, and no other has any of netd's. Says nothing that resolved has heard; waits for its answers for a
    // second, and that only once for the same. An error: it has not taken them, or is lost to the bus; hear() tells when to ask again.
    topology::Result<> sync(int link, const lower::Resolver& wanted);

    // Takes what resolved says. True: something is to be said again, or has come to its end, so sync() is due.
    bool hear();
    int descriptor() const { return bus_ ? bus_->descriptor() : -1; }  // readable when there is something to hear; -1: there is no bus
    std::optional<std::chrono::nanoseconds> next() const;              // when hear() is due by time alone

    // Those that it has been told and has taken.
    std::vector<std::string> nameservers() const;

private:
    void say(const TellLink& target);
    void finish(std::chrono::nanoseconds until);
    void take(std::chrono::nanoseconds patience);
    void answered(const topology::Result<>& how);
    void conclude();
    topology::Result<> note(const std::set<int>& links);

    std::string folder_;
    const loop::Clock& clock_;
    OpenBus open_bus_;
    std::unique_ptr<ResolvedBus> bus_;   // while there is something to say, or was
    std::set<int> links_;                // that have, or may have, what netd said of them; as on disk
    std::optional<TellLink> wanted_;     // by the last sync()
    std::optional<TellLink> said_;
    int open_ = 0;                       // answers to it that are to come
    std::optional<topology::Error> refusal_, trouble_;  // of what is being said; how it last ended
    bool has_taken_ = false;             // what was said, once
    bool is_due_ = false, has_news_ = false;
    std::optional<std::chrono::nanoseconds> again_;
    // A link may be so new that resolved has not heard of it: so it is soon tried again, and then ever later.
    loop::Pause pause_{std::chrono::milliseconds(200), std::chrono::seconds(30)};
};

// Pure. Who has them first, then who had them: so there are some all the time.
std::vector<LinkCall> calls_for(const std::set<int>& told, const TellLink& target);

}  // namespace netd
