// A systemd-resolved that remembers what its links were told, and may be gone, silent or unwilling.
#pragma once

#include "netd/daemon/resolved_bus.hpp"
#include "tests/fakes/fake_clock.hpp"

#include <map>
#include <set>

namespace fakes {

class FakeResolved {
public:
    std::map<int, lower::Resolver> links;  // what they were told
    std::vector<netd::LinkCall> heard;     // ever
    bool has_bus = true, runs = true, is_silent = false;
    std::set<int> unknown;                 // links that it has not heard of
    int opened = 0;                        // how often somebody came

    netd::OpenBus door(FakeClock& clock) {
        return [this, &clock](netd::ResolvedBus::Ears ears) -> topology::Result<std::unique_ptr<netd::ResolvedBus>> {
            if (!has_bus) return topology::Error{topology::Fault::backend, "system bus", "there is none"};
            ++opened;
            return std::unique_ptr<netd::ResolvedBus>(std::make_unique<Bus>(*this, clock, std::move(ears)));
        };
    }

    void start() {
        runs = true;
        has_started_ = true;
    }

private:
    class Bus final : public netd::ResolvedBus {
    public:
        Bus(FakeResolved& there, FakeClock& clock, Ears ears) : there_(there), clock_(clock), ears_(std::move(ears)) {}

        topology::Result<int> send(const netd::LinkCall& call) override {
            sent_.push_back(call);
            return answers(call);
        }

        topology::Result<> hear(std::chrono::nanoseconds patience) override {
            if (!there_.has_bus) return topology::Error{topology::Fault::backend, "system bus", "it is gone"};
            if (std::exchange(there_.has_started_, false)) ears_.started();
            if (there_.is_silent) clock_.advance(patience);
            else
                for (const netd::LinkCall& call : std::exchange(sent_, {})) answer(call);
            return {};
        }

        int descriptor() const override { return 7; }

    private:
        static int answers(const netd::LinkCall& call) { return std::holds_alternative<netd::TellLink>(call) ? 3 : 1; }

        void answer(const netd::LinkCall& call) {
            const auto* tell = std::get_if<netd::TellLink>(&call);
            topology::Result<> how;
            if (!there_.runs) how = topology::Error{topology::Fault::backend, "systemd-resolved", "it does not run"};
            else if (tell && there_.unknown.contains(tell->index)) how = topology::Error{topology::Fault::backend, "systemd-resolved", "no such link"};
            if (there_.runs) there_.heard.push_back(call);
            if (how && tell) there_.links[tell->index] = tell->resolver;
            else if (how) there_.links.erase(std::get<netd::RevertLink>(call).index);
            for (int left = answers(call); left > 0; --left) ears_.answered(how);
        }

        FakeResolved& there_;
        FakeClock& clock_;
        Ears ears_;
        std::vector<netd::LinkCall> sent_;
    };

    bool has_started_ = false;
};

}  // namespace fakes
