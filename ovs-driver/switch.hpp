// The seam to Open vSwitch: a mirror of its database, and the one way to change it.
#pragma once

#include "ovs-driver/state.hpp"
#include "topology/result.hpp"

#include <chrono>
#include <map>
#include <set>
#include <span>
#include <string>

namespace ovs {

using topology::Error;
using topology::Fault;
using topology::Progress;
using topology::Result;

// Bridges whose flows somebody changed and that were put back, each with its ports that are filtered by them.
using Restored = std::map<IfName, std::set<IfName>>;

class Switch {
public:
    virtual ~Switch() = default;

    // Takes in what the database told; true if the mirror or the connection changed. Never blocks.
    virtual bool hear() = 0;

    // Since the last question. Flows are kept up by hear(), apply() and wait() without being asked.
    virtual Restored take_restored() = 0;

    // True while the mirror is that of a live connection.
    virtual bool connected() const = 0;

    // True while ovs-vswitchd has not been there for a second, though netd has bridges: they forward nothing that is new to them. And from an
    // answers() that was in vain until it answers: so long apply() writes all the same, and waits for it no longer than a moment.
    virtual bool is_silent() const = 0;
    // True if it is not there now, whoever has bridges.
    virtual bool is_gone() const = 0;
    // False if it is not there by then: one that died a moment ago is soon back, as systemd starts it again. Without a connection nobody
    // is waited for.
    virtual bool comes_back(std::chrono::steady_clock::time_point deadline) = 0;
    // False if it does not answer by then: it is dead, stands still, or is busy for that long. Writes nothing. True without a connection,
    // and where it can't be asked.
    virtual bool answers(std::chrono::steady_clock::time_point deadline) = 0;
    // False if by then frames may still go as ports were before the last apply(): what has been forwarded once is, until it was looked over.
    // That takes about a second. True without a connection, and where it can't be asked, as one with two kinds of datapath.
    virtual bool forwards_as_told(std::chrono::steady_clock::time_point deadline) = 0;

    // Which socket is tried, for people: "unix:/run/openvswitch/db.sock".
    virtual std::string where() const = 0;

    // Without the local ports of bridges. Without a connection: as it was last seen.
    virtual const State& state() const = 0;

    // "system" where the kernel has the OVS datapath, else "netdev": for new bridges.
    virtual std::string default_datapath() const = 0;

    // Carries out the ops as one transaction and waits, up to the deadline, until ovs-vswitchd has applied it (cur_cfg,
    // then for each port that came ofport > 0 and no error), or is gone and not back within seconds. All or nothing as far as the database goes. Errors:
    // Fault::backend with ovs-vswitchd's text, timeout if it did not come in time, lost_sync if the connection went (after
    // these two it may be done all the same: plan again from what hear() tells), conflict if somebody else was faster.
    //
    // A port whose device was made anew under its name stays dead whatever is written to its row. To replug it: apply()
    // a Remove, and when that has returned apply() a Create; both in one call are nothing to ovs-vswitchd.
    virtual Progress apply(std::span<const Op> ops, std::chrono::steady_clock::time_point deadline) = 0;

    // Waits until one of the descriptors is readable, the database has something to tell or the deadline is over; may
    // return early. Descriptor 0 is not allowed. While nobody answers, attempts to connect are 1 to 8 seconds apart.
    virtual void wait(std::span<const int> readable, std::chrono::steady_clock::time_point deadline) = 0;
};

}  // namespace ovs
