// One connection to libvirt and the calls that are made over it: each may block, so it lives on a thread of its own. No two threads
// call over one: libvirt before 10.0 may not send what the second one asks until the first has its answer.
#pragma once

#include "netd/guests/hypervisor.hpp"
#include "netd/guests/virt_events.hpp"

namespace guests {

using Offers = topology::Keyed<Offer>;

class Session {
public:
    // Blocks until libvirtd answers.
    static Result<Session> open(const std::string& uri, const Hints& hints);
    static Result<Session> open(const std::string& uri);  // and hears nothing

    bool is_alive() const { return virt().virConnectIsAlive(connection_.get()) == 1; }

    // Every domain there is; of those that can't be read just now, what was known.
    Result<State> look(const State& known) const;
    // Takes in what this one is like now, also that it is gone.
    Result<> look_at(const std::string& domain, State& into) const;

    Result<> carry_out(const Op& op) const;
    Result<> ask_to_let_go(const Nic::Key& nic, const State& known) const;
    Result<> may_change(const std::string& domain) const;

    // For how long its QEMU has left something that libvirt asked of it without an answer. Waits for no QEMU itself.
    std::chrono::milliseconds silence(const std::string& domain) const;

    // What could not be offered is told as one error, after all the others are. Those that stand as they are were offered
    // before, and libvirt is asked only whether that network of netd's is there and active.
    Result<> offer(const Offers& offers, const Offers& standing) const;

private:
    Session(ConnectionPtr connection, std::unique_ptr<Ear> ear) : connection_(std::move(connection)), ear_(std::move(ear)) {}
    Result<DomainPtr> changeable(const std::string& name) const;
    Result<> take_in(virDomain* domain, State& into) const;
    Result<> withdraw(virNetwork* network) const;
    Result<> offer(const Offer& offer) const;

    ConnectionPtr connection_;
    std::unique_ptr<Ear> ear_;  // goes before it; none: it hears nothing
};

}  // namespace guests
