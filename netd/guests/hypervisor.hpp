// The seam to the hypervisor: a mirror of its domains and their NICs, and the one way to change these.
#pragma once

#include "netd/guests/state.hpp"
#include "topology/result.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace guests {

using topology::Error;
using topology::Fault;
using topology::Progress;
using topology::Result;
using Deadline = std::chrono::steady_clock::time_point;

class Hypervisor {
public:
    virtual ~Hypervisor() = default;

    // Takes in what was told; true if the mirror or the connection changed. Never blocks.
    virtual bool hear() = 0;

    // True while the mirror is that of a live connection.
    virtual bool connected() const = 0;

    // Who is asked, for people: "qemu:///system".
    virtual std::string where() const = 0;

    // Why there is no connection, or empty.
    virtual std::string trouble() const = 0;

    // Without a connection: as it was last seen.
    virtual const State& state() const = 0;

    // Carries the ops out one after the other and stops at the first "no"; then state() shows what came of them. A Create
    // plugs the NIC in, an Update draws or puts in its cable, a Remove waits until the guest has let go. Errors: not_found
    // if there is no such domain or NIC, conflict if the domain does not run, busy while it is migrating, timeout if the
    // hypervisor or the guest did not answer (it may be done all the same: hear() will tell), backend with the hypervisor's
    // own words. The fault's subject is "domain NAME".
    virtual Progress apply(std::span<const Op> ops, Deadline deadline) = 0;

    // Asks the guest to let go of the NIC. When it has, it is gone from state(): that may take seconds, or never happen.
    // Errors as above; a NIC that is not there is an error too.
    virtual Result<> ask_to_let_go(const Nic::Key& nic, Deadline deadline) = 0;

    // Whether NICs of the domain may be changed now. Errors as above.
    virtual Result<> may_change(const std::string& domain, Deadline deadline) = 0;

    // Has the guests tell the network where they are now, after their ports have moved. Answers nothing.
    virtual void announce(std::span<const Nic::Key> nics) = 0;

    // Asks again what these domains are like, for not all that becomes of them is told: hear() tells what came of it.
    virtual void look_at(const std::set<std::string>& domains) = 0;

    // Asks again for all there is; true of answered(number) when that has been answered, be it that nothing is new.
    virtual std::uint64_t look_at_all() = 0;
    virtual bool answered(std::uint64_t number) const = 0;

    // The hypervisor shall offer these networks by name, and of those that netd offered no others. Answers nothing: what
    // could not be offered is in trouble().
    virtual void offer(std::vector<Offer> offers) = 0;

    // Readable when hear() has something to tell; -1 if there never will be.
    virtual int descriptor() const = 0;

    // What can't wait as long as an answer may take: whenever `urgent` is readable meanwhile, `see_to` is called, which reads it.
    virtual void beside(int urgent, std::function<void()> see_to) = 0;
};

// Where there is no hypervisor: never connected.
Hypervisor& nobody();
// Where there is one, and it is not asked: the same.
std::unique_ptr<Hypervisor> unasked(std::string where);

}  // namespace guests
