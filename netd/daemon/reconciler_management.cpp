// The NIC that the host itself is managed by, at a first start.
#include "netd/daemon/reconciler.hpp"

#include "netd/daemon/log.hpp"
#include "netd/intent/validate.hpp"
#include "netd/lower/taken_over.hpp"

#include <fmt/format.h>

#include <utility>

namespace netd {

namespace code = intent::code;
using topology::Error;
using topology::Fault;

bool Reconciler::knows_nothing() const { return transactor_.running() == intent::Intent() && transactor_.committed() == intent::Intent(); }

namespace {

// A port of a switch that looks for loops first carries nothing for half a minute, and DHCP begins after that; with an address the rest
// is not far. Nobody wakes netd for their end: the patrol does, within seconds.
constexpr std::chrono::seconds longest_without_address{60}, longest_without_way{10};
// The way out by IPv4 is often what comes first, and a fixed IPv6 address a moment later.
constexpr std::chrono::seconds after_way{2};

std::string waits_to_be_set_up(const topology::IfName& nic) {
    return fmt::format("{} may not be set up yet: it is taken over as network ovirtmgmt when it has an IPv4 default route, or as it is {} s after it has an address, or in {} s", nic.text(),
                       longest_without_way.count(), longest_without_address.count());
}

}  // namespace

// Whoever sets it up may be at it still: netd starts before them. A NIC without a carrier is no exception, since it may be negotiating.
bool Reconciler::is_management_due() {
    const bridges::State& kernel = backends_.kernel.state();
    if (!kernel.links.contains(management_->nic)) {
        if (std::exchange(management_due_, std::nullopt)) publish();
        return false;
    }
    const auto how = lower::how_set_up(management_->nic, kernel);
    const bool is_new = !management_due_;
    if (how == lower::SetUp::wholly && is_new) return true;  // it was before netd came
    const auto rest = how == lower::SetUp::wholly ? after_way : how == lower::SetUp::partly ? longest_without_way : longest_without_address;
    const auto now = clock_.boottime(), due = now + rest;
    management_due_ = std::min(management_due_.value_or(due), due);
    if (!is_new) return now >= *management_due_;
    log::info("{}", waits_to_be_set_up(management_->nic));
    publish();
    return false;
}

// At a first start; once, when the NIC is there and set up.
void Reconciler::see_to_management() {
    if (not_taken_over_ && !knows_nothing()) not_taken_over_.reset();
    if (!management_ || transactor_.is_open()) return;
    if (!knows_nothing()) {  // an engine was there first
        management_.reset(), management_due_.reset();
        return publish();
    }
    if (!is_management_due()) return;
    management_due_.reset();
    const Management due = *std::exchange(management_, std::nullopt);
    log::info("taking over {} as network ovirtmgmt", due.nic.text());
    take_over(due.nic, due.timeout);
}

// It hasn't come, is not set up, or can't be had; until somebody defines something.
std::optional<Error> Reconciler::trouble_of_management() const {
    if (management_ && management_due_) return Error{Fault::busy, "management", waits_to_be_set_up(management_->nic)};
    if (management_) return Error{Fault::not_found, "management", fmt::format("there is no NIC '{}' to be taken over as network ovirtmgmt", management_->nic.text())};
    return not_taken_over_ && knows_nothing() ? not_taken_over_ : std::nullopt;
}

namespace {

Error untaken(const topology::IfName& nic, const std::string& why) {
    return {Fault::invalid, "management", fmt::format("{} was not taken over as network ovirtmgmt: {}", nic.text(), why)};
}

}  // namespace

// ovirtmgmt on a NIC as it is. Unconfirmed it goes back, as every change; what is refused is tried again when netd starts again.
void Reconciler::take_over(const topology::IfName& nic, std::chrono::seconds timeout) {
    const auto give_up = [&](const std::string& why) {
        not_taken_over_ = untaken(nic, why);
        // Nothing is begun, so it has no number.
        conclude(std::nullopt, apply::RolledBack{*not_taken_over_}, code::refused, std::nullopt);
    };
    const auto network = lower::network_on(nic, backends_.kernel.state());
    if (!network) return give_up(network.error().what);
    serve::Setup setup;
    setup.request.networks.push_back(*network);
    const auto verdict = intent::validate(setup.request, transactor_.running(), facts());
    if (!verdict.complaints.empty()) return give_up(verdict.complaints.front().what);
    const auto outcome = transactor_.begin(verdict.wanted, {.within = timeout, .commit = true, .begun = tell_begun(own)});
    if (const auto* back = std::get_if<apply::RolledBack>(&outcome)) not_taken_over_ = untaken(nic, sentence(back->because));
    conclude(std::nullopt, outcome, code::refused);
}

}  // namespace netd
