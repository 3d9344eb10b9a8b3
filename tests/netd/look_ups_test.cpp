// What is looked for by something else than its key is found without a walk over all others, and is true after each change.
#include "netd/intent/intent.hpp"

#include <catch2/catch.hpp>

namespace look_ups_test {

using topology::Mac;

namespace {

Mac mac(const char* text) { return *Mac::parse(text); }

std::vector<std::string> guests_with(const intent::Intent& intent, const char* text) {
    std::vector<std::string> found;
    for (const intent::GuestNic* nic : intent.with_mac(mac(text))) found.push_back(nic->vm);
    return found;
}

}  // namespace

TEST_CASE("guests' NICs are found by their MAC as they come, change and go", "[look-ups]") {
    using Guests = std::vector<std::string>;
    intent::Intent intent;
    CHECK(guests_with(intent, "52:54:00:00:00:01").empty());
    intent.put(intent::GuestNic{"two", mac("52:54:00:00:00:01")});
    intent.put(intent::GuestNic{"one", mac("52:54:00:00:00:01")});
    intent.put(intent::GuestNic{"one", mac("52:54:00:00:00:02")});
    CHECK(guests_with(intent, "52:54:00:00:00:01") == Guests{"one", "two"});
    intent::GuestNic changed{"one", mac("52:54:00:00:00:01")};
    changed.network = "web";
    const intent::Intent before = intent;
    intent.put(changed);
    REQUIRE(guests_with(intent, "52:54:00:00:00:01") == Guests{"one", "two"});
    CHECK(intent.with_mac(changed.mac).front()->network == "web");
    CHECK(before.with_mac(changed.mac).front()->network.empty());
    intent.remove(changed.key());
    CHECK(guests_with(intent, "52:54:00:00:00:01") == Guests{"two"});
    CHECK(guests_with(intent, "52:54:00:00:00:02") == Guests{"one"});
}

}  // namespace look_ups_test
