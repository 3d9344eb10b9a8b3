// The real Open vSwitch comes, goes and is slow; what ovs::Switch makes of it.
#include "tests/contract/switch_host.hpp"
#include "tests/skip.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <csignal>
#include <iostream>
#include <random>
#include <span>
#include <thread>

namespace switch_life_test {

using namespace switch_host;

TEST_CASE("nobody at the socket is a state, and he who comes is noticed") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    PrivateOvs machine;
    const auto ovs = open_switch(machine.socket());
    ovs->hear();
    REQUIRE_FALSE(ovs->connected());
    REQUIRE(ovs->state() == State{});
    REQUIRE(ovs->where() == machine.socket());
    const Progress refused = apply(*ovs, {Create<Bridge>{bridge("blue")}});
    REQUIRE(refused.stopped == Error{Fault::backend, "Open vSwitch",
                                     "no answer at " + machine.socket() + ": is openvswitch-switch running?"});

    machine.start_both();
    bool told = false;
    REQUIRE(until(*ovs, [&] { return ovs->connected(); }));
    REQUIRE(until(*ovs, [&] { return told = !apply(*ovs, {Create<Bridge>{bridge("blue")}}).stopped; }));
    REQUIRE(told);
}

TEST_CASE("while nobody answers a wait lasts as long as it was meant to, give or take an attempt to connect") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    PrivateOvs machine;
    const auto ovs = open_switch(machine.socket());
    const auto deadline = Clock::now() + 1500ms;
    int turns = 0;
    for (; Clock::now() < deadline; ++turns) {
        ovs->hear();
        ovs->wait({}, deadline);
    }
    REQUIRE(turns < 10);
}

TEST_CASE("a descriptor ends the wait") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    while (host.ovs->hear()) {}
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE(write(ends[1], "x", 1) == 1);
    const auto begun = Clock::now();
    host.ovs->wait(std::span(ends, 1), begun + 60s);
    REQUIRE(Clock::now() - begun < 30s);
    close(ends[0]), close(ends[1]);
}

TEST_CASE("after ovsdb-server was killed and started the mirror is true again") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    REQUIRE(refusal(bring_about(*host.ovs, blue())) == "");
    host.machine.kill_database();
    REQUIRE(until(*host.ovs, [&] { return !host.ovs->connected(); }));
    REQUIRE(without_facts(host.ovs->state()) == blue());
    REQUIRE(apply(*host.ovs, {Remove<Bridge>{bridge("blue")}}).stopped->fault == Fault::backend);

    host.machine.start_database();
    host.machine.vsctl({"--no-wait", "del-port", "b1", "--", "add-br", "other", "--", "set", "bridge", "other",
                        "datapath_type=netdev"});
    State expected = blue();
    expected.ports.erase(name("b1"));
    Bridge other = bridge("other");
    other.owner = Owner::foreign();
    expected.bridges.put(other);
    REQUIRE(until(*host.ovs, [&] { return host.ovs->connected() && without_facts(host.ovs->state()) == expected; }));
    REQUIRE(refusal(apply(*host.ovs, {Create<Port>{port("b1", "blue", Trunk{})}})) == "");
}

TEST_CASE("a connection that goes while a change is under way is lost sync, not success") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    host.machine.stop_vswitchd();
    REQUIRE(host.machine.vsctl({"--no-wait", "list", "open_vswitch"}) == 0);  // what it said last is written before this is answered
    std::thread killer([&, size = host.machine.database_size()] {
        while (host.machine.database_size() == size) std::this_thread::yield();
        host.machine.kill_database();
    });
    const Progress progress = apply(*host.ovs, {Create<Bridge>{bridge("blue")}});
    killer.join();
    REQUIRE(progress.done == 0);
    REQUIRE(progress.stopped->fault == Fault::lost_sync);
}

TEST_CASE("it lives in any one thread and leaves the signals of the process alone") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    PrivateOvs machine;
    machine.start_both();
    State seen;
    std::thread([&] {
        const auto ovs = open_switch(machine.socket());
        until(*ovs, [&] { return ovs->connected(); });
        bring_about(*ovs, {.bridges = {bridge("blue")}});
        seen = ovs->state();
    }).join();
    REQUIRE(seen == State{.bridges = {bridge("blue")}});
    for (const int signal : {SIGHUP, SIGALRM, SIGPIPE}) {  // Catch2 itself holds SIGTERM and SIGINT
        struct sigaction now = {};
        sigaction(signal, nullptr, &now);
        const bool is_of_nohup = signal == SIGHUP && now.sa_handler == SIG_IGN;
        if (!is_of_nohup) REQUIRE(now.sa_handler == SIG_DFL);
    }
}

TEST_CASE("without ovs-vswitchd a change is in the database and an error by the deadline") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    host.machine.stop_vswitchd();
    const std::vector<Op> ops = {Create<Bridge>{bridge("blue")}};
    const Progress progress = host.ovs->apply(ops, Clock::now() + 3s);
    REQUIRE(progress.done == 0);
    REQUIRE(progress.stopped->fault == Fault::timeout);
    REQUIRE(host.ovs->state().bridges.contains(name("blue")));
}

TEST_CASE("an ovs-vswitchd that stands still does not answer, is not waited for any longer, and is heard of when it goes on") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    const auto is_silent = [&] { return host.ovs->is_silent(); };
    REQUIRE(host.ovs->answers(Clock::now() + 60s));
    host.machine.signal_vswitchd(SIGSTOP);
    CHECK_FALSE(host.ovs->answers(Clock::now() + 500ms));
    CHECK((is_silent() && !host.ovs->is_gone()));
    const auto begun = Clock::now();
    const std::vector<Op> ops = {Create<Bridge>{bridge("blue")}};
    CHECK(host.ovs->apply(ops, begun + 120s).stopped->fault == Fault::timeout);
    CHECK(Clock::now() - begun < 60s);
    for (int i = 0; i < 50; ++i) CHECK_FALSE(host.ovs->is_gone());  // more than it has room for
    host.machine.signal_vswitchd(SIGCONT);
    REQUIRE(until(*host.ovs, [&] { return !is_silent(); }));
    REQUIRE(host.ovs->answers(Clock::now() + 60s));
    // It dies while it is asked, and another one answers.
    host.machine.signal_vswitchd(SIGSTOP);
    CHECK_FALSE(host.ovs->answers(Clock::now() + 100ms));
    host.machine.stop_vswitchd();
    CHECK((host.ovs->is_gone() && !host.ovs->answers(Clock::now())));
    host.machine.start_vswitchd();
    REQUIRE(until(*host.ovs, [&] { return !is_silent(); }));
}

TEST_CASE("that frames go as ports are now is waited for, as long as there are any that are looked over") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    CHECK(host.ovs->forwards_as_told(Clock::now() + 60s));  // nothing is forwarded yet, so that it can't be asked
    REQUIRE(refusal(bring_about(*host.ovs, blue())) == "");
    const std::vector<Op> ops = {Update<Port>{*host.ovs->state().ports.find(name("b1")), port("b1", "blue", Access{vlan(11)})}};
    REQUIRE(refusal(host.ovs->apply(ops, Clock::now() + 60s)) == "");
    CHECK(host.ovs->forwards_as_told(Clock::now() + 60s));
    REQUIRE(until(*host.ovs, [&] { return !host.ovs->is_silent(); }));
    CHECK_FALSE(host.ovs->forwards_as_told(Clock::now() + 1ms));  // one round takes longer
    CHECK_FALSE(host.ovs->is_silent());                           // which is no sign of anything
    host.machine.signal_vswitchd(SIGSTOP);
    CHECK_FALSE(host.ovs->forwards_as_told(Clock::now() + 500ms));
    host.machine.signal_vswitchd(SIGCONT);
    CHECK(host.ovs->forwards_as_told(Clock::now() + 60s));
}

TEST_CASE("what a port taught its bridge under another filter, or without one, is forgotten") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    const std::string neighbour = "52:54:00:00:00:77";
    const auto filtered = [](const char* filter) {
        Port guest = port("b4", "blue", Access{vlan(10)});
        if (filter) guest.filter = *topology::Filter::parse(filter);
        return guest;
    };
    const auto becomes = [&](const char* filter) {
        return refusal(apply(*host.ovs, {Update<Port>{*host.ovs->state().ports.find(name("b4")), filtered(filter)}}));
    };
    const auto in_port = [&] { return fmt::format("in_port={}", host.ovs->state().ports.find(name("b4"))->facts.ofport); };
    // With a frame, and not only its headers, the trace does what the frame would.
    const auto speaks_as_its_neighbour = [&] {
        host.machine.appctl({"ofproto/trace", "blue", in_port() + ",dl_src=" + neighbour + ",dl_dst=ff:ff:ff:ff:ff:ff,dl_type=0x88b5", "--generate"});
        return host.machine.has_learned("blue", neighbour);
    };
    const auto is_forgotten = [&] { return !host.machine.has_learned("blue", neighbour); };
    State want = blue();
    want.ports.put(filtered(nullptr));
    REQUIRE(refusal(bring_about(*host.ovs, want)) == "");

    REQUIRE(speaks_as_its_neighbour());
    REQUIRE(becomes("standard 52:54:00:00:00:99") == "");
    REQUIRE(until(*host.ovs, is_forgotten));
    REQUIRE_FALSE(speaks_as_its_neighbour());

    REQUIRE(becomes("trusted 52:54:00:00:00:99") == "");
    REQUIRE(speaks_as_its_neighbour());
    REQUIRE(becomes("strict 52:54:00:00:00:99") == "");
    REQUIRE(until(*host.ovs, is_forgotten));

    // Somebody takes its flows away, and it is quicker than we are.
    REQUIRE(host.machine.ofctl("del-flows", "blue", in_port()) == 0);
    REQUIRE(speaks_as_its_neighbour());
    REQUIRE(until(*host.ovs, is_forgotten));
    REQUIRE_FALSE(speaks_as_its_neighbour());

    // A new ovs-vswitchd has none until we have spoken to it.
    host.machine.stop_vswitchd();
    host.machine.start_vswitchd();
    const auto deadline = Clock::now() + 60s;
    while (!speaks_as_its_neighbour() && Clock::now() < deadline) std::this_thread::yield();
    REQUIRE_FALSE(is_forgotten());
    REQUIRE(until(*host.ovs, is_forgotten));
    REQUIRE_FALSE(speaks_as_its_neighbour());
}

TEST_CASE("without the kernel's part new bridges get the userspace datapath") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;  // its ovs-vswitchd was told to leave the kernel alone
    REQUIRE(host.ovs->default_datapath() == "netdev");
}

TEST_CASE("after every step of a long random run the mirror is what a full look finds") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    std::mt19937 dice(7);
    const auto roll = [&](int sides) { return static_cast<int>(dice() % sides); };
    for (int step = 0; step < 60; ++step) {
        State want;
        for (const char* called : {"blue", "green"}) {
            if (roll(6)) want.bridges.put(bridge(called));
        }
        for (int i = 0; i < 8; ++i) {
            const char* on = roll(2) ? "blue" : "green";
            if (roll(4) && want.bridges.contains(name(on))) want.ports.put(port(fmt::format("b{}", i), on, Access{vlan(roll(5))}));
        }
        CAPTURE(step);
        REQUIRE(refusal(bring_about(*host.ovs, want)) == "");
        REQUIRE(without_facts(host.ovs->state()) == want);

        const auto other = open_switch(host.machine.socket());
        REQUIRE(until(*other, [&] { return other->connected(); }));
        REQUIRE(until(*host.ovs, [&] { other->hear(); return other->state() == host.ovs->state(); }));
    }
}

TEST_CASE("a thousand ports in one transaction", "[.][slow]") {
    SKIP_UNLESS(PrivateOvs::lacking().empty(), PrivateOvs::lacking());
    Host host;
    REQUIRE(refusal(bring_about(*host.ovs, {.bridges = {bridge("blue")}})) == "");
    std::vector<Op> ops;
    std::vector<std::string> command;
    constexpr int many = 1000;
    for (int i = 0; i < many; ++i) {
        const auto mine = fmt::format("a{}", i), theirs = fmt::format("c{}", i);
        host.machine.run({"ip", "link", "add", mine, "type", "veth", "peer", "name", theirs});
        ops.push_back(Create<Port>{port(mine, "blue", Access{vlan(1 + i % 4000)}, false)});
        for (const auto& word : {"--", "add-port", "blue", theirs.c_str(), "tag=7"}) command.push_back(word);
    }
    auto begun = Clock::now();
    REQUIRE(refusal(apply(*host.ovs, ops)) == "");
    const auto ours = Clock::now() - begun;
    REQUIRE(host.ovs->state().ports.size() == many);

    begun = Clock::now();
    const Op one = Update<Port>{port("a5", "blue", Trunk{}), port("a5", "blue", Access{vlan(99)}, false)};
    REQUIRE(refusal(apply(*host.ovs, {one})) == "");
    const auto tag = Clock::now() - begun;

    begun = Clock::now();
    std::vector<Op> gone;
    for (const Port& port : host.ovs->state().ports) gone.push_back(Remove<Port>{port});
    REQUIRE(refusal(apply(*host.ovs, gone)) == "");
    const auto removal = Clock::now() - begun;

    begun = Clock::now();
    REQUIRE(host.machine.vsctl({command.begin() + 1, command.end()}) == 0);
    const auto theirs = Clock::now() - begun;
    const auto ms = [](auto time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count() / 1000.0; };
    std::cout << fmt::format("{} veths, applied: {:.0f} ms; one ovs-vsctl: {:.0f} ms; one tag of them: {:.1f} ms; "
                             "all removed: {:.0f} ms\n", many, ms(ours), ms(theirs), ms(tag), ms(removal));
}

}  // namespace switch_life_test
