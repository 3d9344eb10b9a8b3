// Whatever the host has and whatever is wanted: the plan can be carried out, leaves nothing to plan, and from each of its
// steps there is a way back that ends where it began.
#include "bridges/plan.hpp"
#include "tests/bridges/random_states.hpp"
#include "tests/fakes/fake_kernel.hpp"
#include "topology/compare.hpp"

#include <catch2/catch.hpp>

namespace plan_property_test {

using namespace bridges;
using bridges::plan;  // and not what is in netd/plan
using fakes::FakeKernel;

namespace {

std::string words(const Link& link) {
    std::string text = link.name.text();
    topology::for_each_field<Link>([&](const auto& field) {
        if (link.*field.member) text += std::string(" ") + field.name + "=" + topology::text_of(link.*field.member);
    });
    return text;
}
template <class Other>
std::string words(const Other& other) {
    return other.key().text() + " " + topology::text_of(other);
}

struct Tell {
    std::string operator()(const auto& creation) const { return "create " + words(creation.now); }
    std::string operator()(const Update<Link>& update) const { return "update " + words(update.now); }
    std::string operator()(const Update<Route>& update) const { return "update " + words(update.now); }
    std::string operator()(const Remove<Link>& removal) const { return "remove " + removal.was.name.text(); }
    std::string operator()(const Remove<Route>& removal) const { return "remove " + words(removal.was); }
    std::string operator()(const Remove<Rule>& removal) const { return "remove " + words(removal.was); }
};

std::string words(const Step& step) {
    return fmt::format("{}/{} {}", static_cast<int>(step.phase), step.level, std::visit(Tell{}, step.op));
}

std::string words(const std::vector<Step>& steps) {
    std::string text;
    for (const Step& step : steps) text += words(step) + "\n";
    return text;
}

// Carries out the steps up to one of them, a batch for each phase and level.
void carry_out(Kernel& kernel, const std::vector<Step>& steps, std::size_t end) {
    for (std::size_t at = 0; at < end;) {
        std::vector<Op> batch;
        const Step& first = steps[at];
        for (; at < end && steps[at].phase == first.phase && steps[at].level == first.level; ++at) batch.push_back(steps[at].op);
        const Progress progress = kernel.apply(batch);
        if (!progress.stopped && progress.done == batch.size()) continue;
        FAIL("\"" << progress.stopped->subject << ": " << progress.stopped->what << "\" by the end of\n"
                  << words({steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(at)}));
    }
}

void bring_about(Kernel& kernel, const State& want) {
    const auto steps = plan(want, kernel.state());
    carry_out(kernel, steps, steps.size());
    const auto rest = plan(want, kernel.state());
    if (!rest.empty()) FAIL("after\n" << words(steps) << "this is left to do:\n" << words(rest));
}

// Only what a plan can bring back: not the index of a link that was made again.
State without_facts(const State& state) {
    State bare = state;
    for (Link link : state.links) {
        link.facts = {};
        bare.links.put(link);
    }
    return bare;
}

std::string differences(const State& then, const State& now) {
    std::string text;
    topology::Keyed<Link>::each_difference(then.links, now.links, [&](const Link* was, const Link* is) {
        text += (was ? "\nwas " + words(*was) : "\nwas not there") + (is ? "\nis  " + words(*is) : "\nis not there");
    });
    return text;
}

// The way back to where it began.
void roll_back(Kernel& kernel, const State& began, const std::string& from) {
    INFO(from);
    bring_about(kernel, began);
    const State now = without_facts(kernel.state()), then = without_facts(began);
    if (now == then) return;
    FAIL("it didn't end where it began" << differences(then, now));
}

FakeKernel host() { return FakeKernel{"n0", "n1", "n2", "n3"}; }

// Up to the first batch in which something is refused.
void try_to_carry_out(Kernel& kernel, const std::vector<Step>& steps) {
    for (std::size_t at = 0; at < steps.size();) {
        std::vector<Op> batch;
        const Step& first = steps[at];
        for (; at < steps.size() && steps[at].phase == first.phase && steps[at].level == first.level; ++at) batch.push_back(steps[at].op);
        if (kernel.apply(batch).stopped) return;
    }
}

}  // namespace

TEST_CASE("whatever is wanted, the plan for it can be carried out and leaves nothing to plan") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        FakeKernel kernel = host();
        bring_about(kernel, chance::state(seed));
        bring_about(kernel, chance::state(seed + 100000));
    }
}

TEST_CASE("what others made and nobody wants stays, whatever is wanted beside it") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        FakeKernel kernel = host();
        bring_about(kernel, chance::mixed_state(seed));
        const State began = kernel.state(), want = chance::state(seed + 300000);
        if (!chance::can_stand_together(want, began)) continue;
        bring_about(kernel, want);
        for (const Link& link : began.links) {
            // A VLAN goes with its base if that must become something else.
            if (link.owner->is_ours() || want.links.contains(link.name) || link.as<Vlan>()) continue;
            CAPTURE(link.name.text());
            REQUIRE(kernel.state().links.contains(link.name));
        }
        roll_back(kernel, began, "back from the end");
    }
}

TEST_CASE("the way back from each step of a plan ends where the plan began") {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        FakeKernel before = host();
        bring_about(before, chance::state(seed));
        const State began = before.state();
        const auto steps = plan(chance::state(seed + 200000), began);
        for (std::size_t end = 0; end <= steps.size(); ++end) {
            FakeKernel kernel(before);
            carry_out(kernel, steps, end);
            roll_back(kernel, began, fmt::format("back from the first {} steps", end));
        }
    }
}

TEST_CASE("wherever the kernel fails, undone or done but unsaid, the way back ends where the plan began") {
    const auto when = GENERATE(fakes::FaultyKernel::When::before, fakes::FaultyKernel::When::after);
    for (unsigned seed = 1; seed <= 25; ++seed) {
        CAPTURE(seed);
        FakeKernel before = host();
        bring_about(before, chance::state(seed));
        const State began = before.state();
        const auto steps = plan(chance::state(seed + 400000), began);
        for (std::size_t nth = 0; nth < steps.size(); ++nth) {
            FakeKernel kernel(before);
            fakes::FaultyKernel faulty(kernel, nth, when);
            try_to_carry_out(faulty, steps);
            REQUIRE(faulty.has_failed());
            roll_back(faulty, began, fmt::format("back from the failure of step {}", nth));
        }
    }
}

}  // namespace plan_property_test
