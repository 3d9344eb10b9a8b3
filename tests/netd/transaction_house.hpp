// A host in memory with disks of its own, on which transactions are tried.
#pragma once

#include "netd/apply/preview.hpp"
#include "netd/apply/transaction.hpp"
#include "netd/intent/validate.hpp"
#include "netd/wire/read_definition.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/fakes/fake_kernel.hpp"
#include "tests/fakes/fake_switch.hpp"
#include "topology/compare.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>

namespace house {

// A folder that goes with the test.
class Disk {
public:
    Disk() {
        char name[] = "/tmp/netd-test-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~Disk() { std::filesystem::remove_all(path_); }
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    std::string state() const { return path_ + "/state"; }
    std::string run() const { return path_ + "/run"; }
    void lose_what_a_boot_loses() const { std::filesystem::remove_all(run()); }
    store::Store open() const {
        auto opened = store::Store::open(state(), run());
        REQUIRE(opened);
        return *opened;
    }

private:
    std::string path_;
};

inline intent::Request read(const char* text) {
    intent::Complaints complaints;
    intent::Request request = wire::read_setup(nlohmann::json::parse(text), complaints);
    for (const auto& complaint : complaints) FAIL(complaint.path << ": " << complaint.what);
    return request;
}

// What the request leads to on this host, which must allow it.
inline intent::Intent wanted(const char* text, const intent::Intent& running, const bridges::Kernel& kernel) {
    const auto verdict = intent::validate(read(text), running, {kernel.state(), kernel.abilities(), true, "fake"});
    for (const auto& complaint : verdict.complaints) FAIL(complaint.path << ": " << complaint.what);
    return verdict.wanted;
}

inline const apply::Terms unasked = {}, to_be_confirmed = {.within = std::chrono::seconds(60)};

// Every link, route and rule of `was` is there as it was, and there is no other one.
inline void require_same(const bridges::State& was, const bridges::State& now) {
    for (const auto& link : was.links) {
        const auto* there = now.links.find(link.name);
        CAPTURE(link.name.text());
        REQUIRE(there);
        for (const auto& difference : topology::differences(link, *there))
            FAIL_CHECK(link.name.text() << ": " << difference.attribute << " was " << difference.wanted << " and is " << difference.found);
        CHECK(link.odd_addresses == there->odd_addresses);
    }
    for (const auto& link : now.links) {
        CAPTURE(link.name.text());
        CHECK(was.links.contains(link.name));
    }
    CHECK(was.routes == now.routes);
    CHECK(was.rules == now.rules);
}

}  // namespace house
