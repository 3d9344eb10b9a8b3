// What stands in where nothing is to be asked: it has no state, so that one serves all.
#include "netd/guests/hypervisor.hpp"

namespace guests {
namespace {

class Nobody : public Hypervisor {
public:
    explicit Nobody(std::string where = {}) : where_(std::move(where)) {}
    bool hear() override { return false; }
    bool connected() const override { return false; }
    std::string where() const override { return where_; }
    std::string trouble() const override { return {}; }
    const State& state() const override { return state_; }
    Progress apply(std::span<const Op>, Deadline) override { return {0, absent()}; }
    Result<> ask_to_let_go(const Nic::Key&, Deadline) override { return absent(); }
    Result<> may_change(const std::string&, Deadline) override { return absent(); }
    void announce(std::span<const Nic::Key>) override {}
    void look_at(const std::set<std::string>&) override {}
    std::uint64_t look_at_all() override { return 0; }
    bool answered(std::uint64_t) const override { return false; }
    void offer(std::vector<Offer>) override {}
    int descriptor() const override { return -1; }
    void beside(int, std::function<void()>) override {}

private:
    static Error absent() { return {Fault::backend, "libvirt", "netd was told to use no libvirt"}; }
    std::string where_;
    State state_ = {};
};

}  // namespace

Hypervisor& nobody() {
    static Nobody nobody;
    return nobody;
}

std::unique_ptr<Hypervisor> unasked(std::string where) { return std::make_unique<Nobody>(std::move(where)); }

}  // namespace guests
