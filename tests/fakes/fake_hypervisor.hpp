// A hypervisor in memory: it remembers domains and their NICs, and says no where libvirt and QEMU do.
#pragma once

#include "bridges/kernel.hpp"
#include "netd/guests/hypervisor.hpp"

#include <set>

namespace fakes {

class FakeHypervisor : public guests::Hypervisor {
public:
    // With a kernel, a NIC wants its tap to be there.
    explicit FakeHypervisor(const bridges::Kernel* kernel = nullptr) : kernel_(kernel) {}

    bool hear() override;
    bool connected() const override { return connected_; }
    std::string where() const override { return "fake"; }
    std::string trouble() const override { return connected_ ? "" : "it is away"; }
    const guests::State& state() const override { return mirror_; }
    guests::Progress apply(std::span<const guests::Op> ops, guests::Deadline deadline) override;
    guests::Result<> ask_to_let_go(const guests::Nic::Key& nic, guests::Deadline deadline) override;
    guests::Result<> may_change(const std::string& domain, guests::Deadline) override { return changeable(domain); }
    void announce(std::span<const guests::Nic::Key> nics) override { announced.insert(announced.end(), nics.begin(), nics.end()); }
    void look_at(const std::set<std::string>&) override {}
    std::uint64_t look_at_all() override { return ++asked; }
    bool answered(std::uint64_t number) const override { return connected_ && number <= asked; }
    void offer(std::vector<guests::Offer> offers) override { offered = std::move(offers); }
    int descriptor() const override { return -1; }
    void beside(int, std::function<void()>) override {}  // its answers are there at once

    // What guests and others do; seen by state() after hear().
    void start(const std::string& domain, const std::string& uuid = {});
    void stop(const std::string& domain);
    void plug_by_itself(const guests::Nic& nic) { truth_.nics.put(nic); }
    void connect(bool connected) { connected_ = connected; }

    std::set<std::string> migrating = {}, stubborn = {};   // domains that are on their way; whose guests never let go
    std::vector<guests::Nic::Key> announced = {};
    std::vector<guests::Offer> offered = {};
    std::size_t applied = 0;
    std::uint64_t asked = 0;  // how often for all there is

private:
    guests::Result<> carry_out(const guests::Op& op);
    guests::Result<> changeable(const std::string& domain) const;

    const bridges::Kernel* kernel_;
    guests::State truth_ = {}, mirror_ = {};
    bool connected_ = true;
};

}  // namespace fakes
