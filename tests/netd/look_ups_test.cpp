// What is looked for by something else than its key is found without a walk over all others, and is true after each change.
#include "netd/intent/intent.hpp"
#include "netd/lower/marked_links.hpp"

#include <catch2/catch.hpp>

namespace look_ups_test {

using topology::IfName;
using topology::Mac;
using topology::Owner;

namespace {

Mac mac(const char* text) { return *Mac::parse(text); }

std::vector<std::string> guests_with(const intent::Intent& intent, const char* text) {
    std::vector<std::string> found;
    for (const intent::GuestNic* nic : intent.with_mac(mac(text))) found.push_back(nic->vm);
    return found;
}

bridges::Link link(const char* name, const Owner& owner) {
    bridges::Link link{*IfName::parse(name)};
    link.owner = owner;
    return link;
}

std::vector<std::string> names_of(const std::vector<const bridges::Link*>& links) {
    std::vector<std::string> names;
    for (const bridges::Link* one : links) names.push_back(one->name.text());
    return names;
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

TEST_CASE("links are found by their mark, whatever they are called by now", "[look-ups]") {
    using Names = std::vector<std::string>;
    const Owner web = Owner::ours("network web"), db = Owner::ours("network db");
    topology::Keyed<bridges::Link> links{link("web", web), link("db", db), link("eth0", Owner::foreign())};
    lower::MarkedLinks marked;
    CHECK(names_of(marked.of(web, links)) == Names{"web"});
    links.erase(*IfName::parse("web"));
    links.put(link("other", web));
    CHECK(names_of(marked.of(web, links)) == Names{"other"});
    links.put(link("other", Owner::foreign()));
    links.put(link("eth0", db));
    CHECK(marked.of(web, links).empty());
    CHECK(marked.of(db, links).size() == 2);
    CHECK(lower::MarkedLinks().of(db, links).size() == 2);
}

}  // namespace look_ups_test
