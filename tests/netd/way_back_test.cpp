// The way back leads as far as it can, whoever is gone meanwhile, whatever is in the way, and whoever has to go on with it.
#include "netd/lower/naming.hpp"
#include "tests/netd/transaction_house.hpp"

using namespace house;

namespace {

using bridges::Op;
using topology::IfName;

IfName name(std::string_view text) { return *IfName::parse(text); }

constexpr const char* before_request = R"({"networks": {
    "mgmt": {"nic": "eno1", "ipaddr": "192.0.2.10", "prefix": 24, "gateway": "192.0.2.1", "defaultRoute": true},
    "web": {"nic": "eno2"}}})";
constexpr const char* after_request = R"({"networks": {
    "mgmt": {"nic": "eno1", "ipaddr": "192.0.2.99", "prefix": 24, "gateway": "192.0.2.7", "defaultRoute": true},
    "web": {"nic": "eno3"}}})";

const topology::Error nobody{topology::Fault::timeout, "connectivity", "nobody confirmed"};

struct Host {
    fakes::FakeKernel kernel{"eno1", "eno2", "eno3"};
    fakes::FaultyKernel faulty{kernel};
    fakes::FakeSwitch ovs{&kernel};
    fakes::FakeClock clock;
    Disk disk;
    bool has_box = true;  // the guest's network namespace
    apply::Transactor transactor = life();

    Host() {
        faulty.refuses = [this](const Op& op) { return creates_veth(op) && !has_box; };
        std::ignore = transactor.recover();
        REQUIRE(is<apply::Committed>(change(before_request, unasked)));
    }
    apply::Transactor life() {
        return {{faulty, ovs, guests::nobody(), nullptr, [this](const std::string&) { return has_box; }}, disk.open(), clock};
    }
    template <class Outcome> static bool is(const apply::Outcome& outcome) { return std::holds_alternative<Outcome>(outcome); }
    static bool creates_veth(const Op& op) {
        const auto* link = std::get_if<topology::Create<bridges::Link>>(&op);
        return link && link->now.kind && std::holds_alternative<bridges::Veth>(*link->now.kind);
    }

    apply::Outcome change(const char* request, apply::Terms terms) {
        apply::Terms named = apply::terms_of(read(request));
        named.confirm = terms.confirm;
        return transactor.begin(wanted(request, transactor.running(), faulty), named);
    }
    intent::GuestNic nic(std::set<intent::NetworkName> mirrored = {}) const {
        intent::GuestNic nic{"box", *topology::Mac::parse("52:54:00:00:00:01")};
        nic.kind = intent::GuestKind::netns;
        nic.network = "web";
        nic.port_mirroring = std::move(mirrored);
        return nic;
    }
    void plug(const intent::GuestNic& nic) {
        intent::Intent now = transactor.running();
        now.put(nic);
        REQUIRE(is<apply::Committed>(transactor.begin(now, unasked)));
        REQUIRE(link(lower::port_of(nic).text()));
    }
    void lose_box(const intent::GuestNic& nic) {
        has_box = false;
        REQUIRE(kernel.meddle(topology::Remove<bridges::Link>{*link(lower::port_of(nic).text())}));
        REQUIRE(kernel.hear());
    }
    const bridges::Link* link(std::string_view text) const { return kernel.truth().links.find(name(text)); }
    bool has_address(std::string_view address) const { return link("mgmt")->addresses->contains(*topology::Subnet::parse(address)); }
    bool is_as_before() const { return has_address("192.0.2.10/24") && is_on("eno2", "web") && link("eno3")->master == bridges::Master{}; }
    bool is_on(std::string_view nic, std::string_view bridge) const { return link(nic)->master == bridges::Master{name(bridge)}; }
};

}  // namespace

TEST_CASE("a guest whose namespace is gone blocks no way back") {
    Host host;
    const auto nic = host.nic({*intent::NetworkName::parse("web")});
    host.plug(nic);
    REQUIRE(host.is<apply::Waiting>(host.change(after_request, {})));
    host.lose_box(nic);
    CHECK(host.is<apply::RolledBack>(host.transactor.roll_back(nobody)));
    CHECK(host.has_address("192.0.2.10/24"));
    CHECK(host.is_on("eno2", "web"));
    CHECK_FALSE(host.link(lower::port_of(nic).text()));
    CHECK_FALSE(host.transactor.trouble());
}

TEST_CASE("a network is changed although the namespace of one of its guests is gone, which has its NIC again when it comes") {
    Host host;
    auto nic = host.nic({*intent::NetworkName::parse("web")});
    host.plug(nic);
    host.lose_box(nic);
    const char* request = R"({"networks": {"web": {"nic": "eno3", "mtu": 1400}}})";
    REQUIRE(host.is<apply::Committed>(host.change(request, unasked)));
    CHECK(host.is_on("eno3", "web"));
    CHECK(host.transactor.running().nics().contains(nic.key()));

    // Another is plugged in beside: what the lost one would hear of it is sent to nobody.
    intent::GuestNic tap{"vm", *topology::Mac::parse("52:54:00:00:00:02")};
    tap.network = "web";
    host.plug(tap);

    host.has_box = true;
    REQUIRE(host.is<apply::Committed>(host.change(request, unasked)));
    CHECK(host.link(lower::port_of(nic).text()));
    CHECK(host.link(lower::port_of(tap).text())->traffic->copies_in.contains(lower::port_of(nic)));
}
