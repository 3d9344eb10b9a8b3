// What libvirt refuses, refused in its order: the domain first, then the NIC.
#include "tests/fakes/fake_hypervisor.hpp"

namespace fakes {

using guests::Error;
using guests::Fault;
using guests::Nic;
using guests::Result;

bool FakeHypervisor::hear() {
    if (!connected_ || mirror_ == truth_) return false;
    mirror_ = truth_;
    return true;
}

void FakeHypervisor::start(const std::string& domain, const std::string& uuid) { truth_.domains.put({domain, uuid, true}); }

void FakeHypervisor::stop(const std::string& domain) {
    truth_.domains.erase(guests::Text{domain});
    std::vector<Nic::Key> gone;
    for (const Nic& nic : truth_.nics)
        if (nic.domain == domain) gone.push_back(nic.key());
    for (const auto& key : gone) truth_.nics.erase(key);
}

Result<> FakeHypervisor::changeable(const std::string& domain) const {
    const std::string subject = "domain " + domain;
    if (!connected_) return Error{Fault::backend, subject, "libvirt does not answer"};
    const guests::Domain* found = truth_.domains.find(guests::Text{domain});
    if (!found) return Error{Fault::not_found, subject, "there is none"};
    if (migrating.contains(domain)) return Error{Fault::busy, subject, "it is migrating"};
    if (!found->active) return Error{Fault::conflict, subject, "it does not run"};
    return {};
}

Result<> FakeHypervisor::carry_out(const guests::Op& op) {
    if (const auto* create = std::get_if<guests::Create<Nic>>(&op)) {
        Nic nic = create->now;
        if (auto may = changeable(nic.domain); !may) return may;
        if (kernel_ && !kernel_->state().links.contains(*nic.device)) return Error{Fault::backend, "domain " + nic.domain, "there is no " + nic.device->text()};
        for (const Nic& other : truth_.nics)
            if (other.domain == nic.domain && other.alias == nic.alias) return Error{Fault::backend, "domain " + nic.domain, "the alias is taken"};
        nic.facts.ours = true;
        truth_.nics.put(nic);
    } else if (const auto* update = std::get_if<guests::Update<Nic>>(&op)) {
        const Nic* there = truth_.nics.find(update->was.key());
        if (auto may = changeable(update->was.domain); !may) return may;
        if (!there) return Error{Fault::not_found, "domain " + update->was.domain, "it has no such NIC"};
        Nic nic = *there;
        nic.link = update->now.link;
        truth_.nics.put(nic);
    } else {
        const Nic::Key key = std::get<guests::Remove<Nic>>(op).was.key();
        if (auto asked = ask_to_let_go(key, {}); !asked) return asked;
        if (truth_.nics.contains(key)) return Error{Fault::timeout, "domain " + key.domain, "the guest does not let go"};
    }
    ++applied;
    return {};
}

guests::Progress FakeHypervisor::apply(std::span<const guests::Op> ops, guests::Deadline) {
    guests::Progress progress;
    for (const auto& op : ops) {
        auto done = carry_out(op);
        hear();
        if (!done) {
            progress.stopped = done.error();
            return progress;
        }
        ++progress.done;
    }
    return progress;
}

Result<> FakeHypervisor::ask_to_let_go(const Nic::Key& nic, guests::Deadline) {
    if (auto may = changeable(nic.domain); !may) return may;
    if (!truth_.nics.contains(nic)) return Error{Fault::not_found, "domain " + nic.domain, "it has no such NIC"};
    if (!stubborn.contains(nic.domain)) truth_.nics.erase(nic);
    return {};
}

}  // namespace fakes
