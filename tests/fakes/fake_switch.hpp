// An Open vSwitch in memory: a database that takes a transaction whole or not at all, and a datapath that wants devices.
#pragma once

#include "ovs-driver/switch.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <cstddef>
#include <optional>
#include <utility>

namespace fakes {

class FakeSwitch : public ovs::Switch {
public:
    // With a kernel, ports need their device there, and bridges and internal ports make one.
    explicit FakeSwitch(FakeKernel* kernel = nullptr) : kernel_(kernel) {}

    bool hear() override;
    ovs::Restored take_restored() override { return {}; }
    bool connected() const override { return connected_; }
    bool is_silent() const override { return stands_still; }
    bool is_gone() const override { return !has_vswitchd; }
    bool comes_back(std::chrono::steady_clock::time_point) override { return has_vswitchd; }
    bool answers(std::chrono::steady_clock::time_point) override { return !connected_ || (has_vswitchd && !stands_still); }
    bool forwards_as_told(std::chrono::steady_clock::time_point deadline) override { return answers(deadline); }
    std::string where() const override { return "fake"; }
    const ovs::State& state() const override { return mirror_; }
    std::string default_datapath() const override { return datapath; }
    ovs::Progress apply(std::span<const ovs::Op> ops, std::chrono::steady_clock::time_point deadline) override;
    void wait(std::span<const int>, std::chrono::steady_clock::time_point) override {}

    std::string datapath = "netdev";
    bool has_vswitchd = true;                         // without it the database takes a change, and nobody acts on it
    bool stands_still = false;                        // likewise, until go_on()
    std::optional<std::size_t> stops_in = {};         // in that transaction (counted from 0) it comes to stand still
    std::optional<std::size_t> loses_connection = {};  // in that transaction (counted from 0): done or not, nobody knows

    void connect(bool connected);
    void go_on();
    topology::Result<> meddle(const ovs::Op& op);     // somebody else's change, seen after hear()
    std::size_t transactions() const { return transactions_; }
    std::size_t writes() const { return writes_; }    // those that changed something
    const ovs::State& truth() const { return truth_; }

private:
    using Said = topology::Result<>;

    Said write(ovs::State& state, std::span<const ovs::Op> ops) const;
    void act();                                       // what ovs-vswitchd does once the database has changed
    ovs::PortFacts plug(const ovs::Port& port);
    void follow_devices(const ovs::State& before);
    Said judge(const ovs::Op& op) const;

    FakeKernel* kernel_;
    ovs::State truth_ = {}, mirror_ = {}, done_ = {};  // done_: as ovs-vswitchd knows it
    bool connected_ = true, changed_ = false;
    std::int64_t next_ofport_ = 1;
    std::size_t transactions_ = 0, writes_ = 0;
};

}  // namespace fakes
