// A kernel in memory that remembers what it was told and says no where the real one does, so that what netd decides can
// be tried without a host. It passes the same contract test as the real one.
#pragma once

#include "bridges/kernel.hpp"
#include "tests/fakes/fake_host.hpp"

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace fakes {

class FakeKernel : public bridges::Kernel {
public:
    // A host with these NICs: down, MTU 1500, MAC 02:00:00:00:00:<index>.
    explicit FakeKernel(std::initializer_list<std::string_view> nics);
    // A host that has all that is in the state. What it leaves unset is as the kernel has it by default.
    explicit FakeKernel(const bridges::State& state);
    FakeKernel(const FakeKernel& other);
    FakeKernel& operator=(const FakeKernel&) = delete;
    ~FakeKernel() override;

    bridges::Result<> look() override;
    bridges::Result<bridges::Heard> hear() override;
    bridges::Result<> look_at(std::span<const topology::IfName> links) override;
    const bridges::State& state() const override { return mirror_; }
    bridges::Progress apply(std::span<const bridges::Op> ops) override;
    int descriptor() const override { return event_; }
    const bridges::Abilities& abilities() const override { return able; }
    bridges::Result<> forget_filters(const std::set<topology::IfName>& released) override;
    bridges::Result<> take_no_more_from(const topology::Unheard& more) override {
        unheard.insert(more.begin(), more.end());
        return {};
    }
    bridges::Result<> take_nothing_from(const topology::Unheard& guests) override {
        unheard = guests;
        return {};
    }

    // Of whom the host hears nothing.
    topology::Unheard unheard = {};

    // What the kernel can do; for a test of a host that lacks something.
    bridges::Abilities able = {true, true, true, true, true, true, true, true, true, topology::usual_services(), "6.1.0-fake"};

    // What somebody else does behind netd's back: seen by state() only after hear() or look().
    bridges::Result<> meddle(const bridges::Op& op);
    void plug_in(std::string_view nic, const char* kind = "");  // a NIC or an OVS internal port comes
    void pull_out(std::string_view nic);                        // and goes, with all that stands on it
    void lose_notifications();                                  // the next hear() tells of an overrun

    // What there is in truth, whatever the mirror says.
    const bridges::State& truth() const { return host_.state(); }
    std::size_t applied() const { return applied_; }  // ops that were carried out
    std::size_t batches() const { return batches_; }  // calls of apply()

private:
    bridges::Result<> carry_out(const bridges::Op& op);
    bool is_still(const bridges::Link& was) const;
    void stir();  // there is something to hear

    FakeHost host_;
    bridges::State mirror_ = {};
    int event_ = -1;
    bool overrun_ = false;
    std::size_t applied_ = 0, batches_ = 0;
};

// A kernel that fails at the nth op (counted from 0 over all calls), for good or only then, before doing it or after.
class FaultyKernel : public bridges::Kernel {
public:
    enum class When { before, after };  // the op fails undone; the op is done and the answer is lost
    enum class Until { once, for_good };
    static constexpr std::size_t never = static_cast<std::size_t>(-1);

    explicit FaultyKernel(bridges::Kernel& real, std::size_t nth = never, When when = When::before, Until until = Until::once)
        : real_(real), nth_(nth), when_(when), until_(until) {}

    bridges::Result<> look() override { return real_.look(); }
    bridges::Result<bridges::Heard> hear() override {
        auto heard = real_.hear();
        if (std::exchange(loses_word, false)) return topology::Error{topology::Fault::lost_sync, "netlink", "no answer"};
        return heard;
    }
    bridges::Result<> look_at(std::span<const topology::IfName> links) override { return real_.look_at(links); }
    const bridges::State& state() const override { return real_.state(); }
    bridges::Progress apply(std::span<const bridges::Op> ops) override;
    int descriptor() const override { return real_.descriptor(); }
    const bridges::Abilities& abilities() const override { return real_.abilities(); }
    bridges::Result<> forget_filters(const std::set<topology::IfName>& released) override { return real_.forget_filters(released); }

    std::size_t seen() const { return seen_; }     // ops that came to be done
    bool has_failed() const { return seen_ > nth_; }
    void heal() { healed_ = true; }                // from now on all goes well

    // What is refused whenever it is asked for.
    std::function<bool(const bridges::Op&)> refuses = [](const bridges::Op&) { return false; };

    // The next hear() takes what was told, and fails over what is to be asked of it.
    bool loses_word = false;

    // Called instead of failing quietly, e.g. to throw: netd "dies" at that op.
    std::function<void()> die = {};

private:
    bool fails_now() const;

    bridges::Kernel& real_;
    std::size_t nth_;
    When when_;
    Until until_;
    std::size_t seen_ = 0;
    bool healed_ = false;
};

}  // namespace fakes
