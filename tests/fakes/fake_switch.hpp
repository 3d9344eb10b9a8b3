// An Open vSwitch in memory: a database that takes a transaction whole or not at all, and a datapath that wants devices.
#pragma once

#include "ovs-driver/switch.hpp"
#include "tests/fakes/fake_kernel.hpp"
#include "topology/fields.hpp"

namespace fakes {

class FakeSwitch : public ovs::Switch {
public:
    // With a kernel, ports need their device there, and internal ports make one.
    explicit FakeSwitch(FakeKernel* kernel = nullptr) : kernel_(kernel) {}

    bool hear() override { return std::exchange(changed_, false); }
    bool connected() const override { return connected_; }
    std::string where() const override { return "fake"; }
    const ovs::State& state() const override { return state_; }
    std::string default_datapath() const override { return "netdev"; }
    ovs::Progress apply(std::span<const ovs::Op> ops, std::chrono::steady_clock::time_point deadline) override;
    void wait(std::span<const int>, std::chrono::steady_clock::time_point) override {}

    void connect(bool connected);
    std::size_t transactions() const { return transactions_; }

private:
    topology::Result<> carry_out(ovs::State& state, const ovs::Op& op) const;
    void follow(const ovs::State& before);  // devices of internal ports come and go
    topology::Result<> check_devices() const;

    FakeKernel* kernel_;
    ovs::State state_ = {};
    bool connected_ = true, changed_ = false;
    std::size_t transactions_ = 0;
};

}  // namespace fakes
