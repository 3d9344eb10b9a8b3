// Guests' NICs: changes that netd words itself.
#include "netd/daemon/reconciler.hpp"

#include "netd/daemon/left_filters.hpp"
#include "netd/daemon/log.hpp"
#include "netd/daemon/nic_request.hpp"
#include "netd/daemon/presence.hpp"
#include "netd/guests/domain_xml.hpp"
#include "netd/intent/links.hpp"
#include "netd/intent/validate.hpp"
#include "netd/lower/naming.hpp"
#include "netd/lower/realise.hpp"
#include "netd/lower/vm_id.hpp"
#include "netd/serve/nic_request.hpp"
#include "netd/wire/read_definition.hpp"
#include "netd/wire/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace netd {

using intent::GuestNic;
using serve::nic_of;
using nlohmann::json;
namespace code = intent::code;

namespace {

constexpr std::chrono::seconds longest_parting{30}, longest_question{2};
constexpr std::size_t most_at_once = 64, most_partings = 256;

// Locally administered, and not one that another guest has.
topology::Mac fresh_mac(const intent::Intent& running) {
    std::random_device random;
    for (;;) {
        topology::Mac::Bytes bytes{0x56, 0x6f};
        for (std::size_t i = 2; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(random());
        const auto mac = topology::Mac::of(bytes);
        if (running.with_mac(mac).empty()) return mac;
    }
}

std::string why_not(const guests::Hypervisor& guests) {
    if (guests.where().empty()) return "this netd was told to use no libvirt; kinds tap and netns are there";
    return fmt::format("libvirt does not answer at {}: {}", guests.where(), guests.trouble());
}

// What is wrong by more than one rule is told once.
void add_new(const intent::Complaints& found, intent::Complaints& to) {
    to.add(found, [&](const intent::Complaint& one) { return std::ranges::find(to, one) == to.end() ? std::optional(one) : std::nullopt; });
}

}  // namespace

// By what the door let in: a MAC, or an alias.
const GuestNic* Reconciler::find_nic(const json& params) const {
    const std::string vm = wire::text_of(params, "vmId");
    const serve::NicName name = serve::name_of(params);
    const guests::State& guests = backends_.guests.state();
    if (name.key == "macAddr") return lower::find_nic(transactor_.running(), vm, *topology::Mac::parse(name.value.get<std::string>()), guests);
    if (const GuestNic* found = lower::find_nic(transactor_.running(), vm, name.value.get<std::string>(), guests)) return found;
    const auto mac = serve::mac_in_nic(params);  // an alias of the hypervisor's own may be nothing to netd
    return mac ? lower::find_nic(transactor_.running(), vm, *mac, guests) : nullptr;
}

// Finds the domain, and fills in what only now is known: its name, and how libvirt shall call the NIC.
intent::Complaints Reconciler::look_up_guest(GuestNic& nic) const {
    intent::Complaints complaints;
    const auto refuse = [&](const char* path, topology::Fault fault, std::string what) { complaints.push_back({code::plug_failed, path, fault, std::move(what)}); };
    if (!nic.incoming && !backends_.guests.connected()) {
        refuse("/nic/kind", topology::Fault::backend, why_not(backends_.guests));
        return complaints;
    }
    // Of one that was started a moment ago libvirt may not have told yet: it is asked.
    if (!nic.incoming && !backends_.guests.state().domain(nic.vm)) std::ignore = backends_.guests.may_change(nic.vm, std::chrono::steady_clock::now() + longest_question);
    const guests::State& now = backends_.guests.state();
    const guests::Domain* domain = now.domain(nic.vm);
    const GuestNic* known = lower::find_nic(transactor_.running(), nic.vm, nic.mac, now);
    const guests::Nic::Key key = lower::in_domain(nic.key(), now);
    // Under the words that its port is called by; a NIC that has come is not awaited any more.
    if (known) nic.vm = known->vm;
    else if (domain) nic.vm = domain->name;
    if (known && !known->incoming && now.nics.contains(key)) nic.incoming = false;
    if (!nic.incoming && !domain) refuse("/vmId", topology::Fault::not_found, fmt::format("libvirt has no domain '{}'", nic.vm));
    else if (!nic.incoming && !domain->active) refuse("/vmId", topology::Fault::conflict, fmt::format("domain '{}' does not run; start it first, or plug with incoming", nic.vm));
    if (nic.alias.empty()) nic.alias = "ua-" + lower::port_of(nic.key()).text();
    if (!is_alias(nic.alias)) refuse("/nic/alias", topology::Fault::invalid, "libvirt wants an alias to begin with 'ua-' and to go on in letters, digits, '-' and '_'");
    for (const guests::Nic& other : now.nics) {
        const bool same = other.key() == key;
        if (other.mac == nic.mac && !(same && other.facts.ours)) refuse("/nic/macAddr", topology::Fault::conflict, fmt::format("{} is in use by guest '{}'", nic.mac.text(), other.domain));
        if (other.domain == key.domain && !same && other.alias == nic.alias) refuse("/nic/alias", topology::Fault::conflict, fmt::format("NIC {} of the guest is called so", other.mac.text()));
    }
    return complaints;
}

void Reconciler::change_nic(const serve::ChangeNic& change) {
    switch (change.verb) {
        case serve::NicVerb::plug: return plug(change);
        case serve::NicVerb::unplug: return unplug(change);
        case serve::NicVerb::update: return update(change);
    }
}

// What the NIC shall be; or it is refused, with all that is wrong.
std::optional<GuestNic> Reconciler::described(const serve::ChangeNic& change) {
    const json& described = nic_of(change.params);
    intent::Complaints complaints;
    const bool has_own_mac = described.contains("macAddr") && !wire::is_absent(described["macAddr"]);
    topology::Mac mac = has_own_mac ? topology::Mac::of({}) : fresh_mac(transactor_.running());
    if (has_own_mac) {
        auto given = topology::Mac::parse(wire::text_of(described, "macAddr"));
        if (given) mac = *given;
        else complaints.push_back({code::plug_failed, "/nic/macAddr", topology::Fault::invalid, given.error().what});
    }
    GuestNic nic{wire::text_of(change.params, "vmId"), mac};
    nic.kind = intent::GuestKind::libvirt;
    wire::read_nic(described, nic, code::plug_failed, complaints);
    if (std::exchange(nic.adopted, std::nullopt)) complaints.push_back({code::plug_failed, "/nic/adopted", topology::Fault::invalid, "which ports netd adopts is what it finds, not what it is told"});
    if (nic.incoming && nic.kind != intent::GuestKind::libvirt)
        complaints.push_back({code::plug_failed, "/nic/incoming", topology::Fault::invalid, "only a domain of libvirt's can bring its NIC along"});
    if (nic.kind == intent::GuestKind::libvirt) add_new(look_up_guest(nic), complaints);
    else if (const GuestNic* known = lower::find_nic(transactor_.running(), nic.vm, nic.mac, backends_.guests.state())) nic.vm = known->vm;
    if (const GuestNic* known = transactor_.running().nics().find(nic.key())) keep_what_lasts(described, *known, nic);
    if (is_parting(nic.key()))
        complaints.push_back({code::plug_failed, "/nic/macAddr", topology::Fault::busy, "its guest is asked to let go of it just now; ask again when it has, or has not in time"});
    if (nic.kind == intent::GuestKind::netns && !may_see_namespace(nic.vm))
        complaints.push_back({code::plug_failed, "/vmId", topology::Fault::denied, fmt::format("netd may not look at '{}', for which it wants CAP_SYS_PTRACE; `ip netns attach NAME PID` gives the namespace a name", nic.vm)});
    else if (nic.kind == intent::GuestKind::netns && !namespace_exists(nic.vm))
        complaints.push_back({code::plug_failed, "/vmId", topology::Fault::not_found, fmt::format("there is no network namespace '{}' under /run/netns", nic.vm)});
    else if (nic.kind == intent::GuestKind::netns && is_own_namespace(nic.vm))
        complaints.push_back({code::plug_failed, "/vmId", topology::Fault::invalid, fmt::format("'{}' is the host's own namespace, which is no guest", nic.vm)});
    const bool has_place = backends_.kernel.state().links.contains(lower::port_of(nic)) || guest_is_there(nic);
    if (complaints.empty() && has_place) return nic;
    add_new(intent::validate_nic(nic, transactor_.running(), facts(), code::plug_failed).complaints, complaints);
    if (complaints.empty())
        complaints.push_back({code::plug_failed, "/nic/ifname", topology::Fault::conflict, fmt::format("a device in '{}' is called {} already; give this one another ifname", nic.vm, nic.name_inside().text())});
    refuse(change.ticket, complaints);
    return std::nullopt;
}

// Those that wait right behind a plug go with it: Open vSwitch takes hardly longer for twenty ports than for one. Not those of a
// hypervisor's guests, which may say no, or take long to let go again.
void Reconciler::plug(const serve::ChangeNic& change) {
    std::vector<Plug> plugs;
    if (auto nic = described(change)) plugs.push_back({change.ticket, std::move(*nic)});
    while (goes_with_others(change) && !queue_.empty() && plugs.size() < most_at_once) {
        const auto* next = std::get_if<serve::ChangeNic>(&queue_.front());
        if (!next || next->verb != serve::NicVerb::plug || !goes_with_others(*next)) break;
        if (auto nic = described(*next)) plugs.push_back({next->ticket, std::move(*nic)});
        queue_.pop_front();
    }
    if (plugs.size() > 1 && plug_at_once(plugs)) return;
    for (const Plug& one : plugs) {
        const auto verdict = intent::validate_nic(one.nic, transactor_.running(), facts(), code::plug_failed);
        if (verdict.complaints.empty()) put_nic(one.ticket, one.nic, verdict.wanted, code::plug_failed);
        else refuse(one.ticket, verdict.complaints);
    }
}

// False: nothing is changed, and each is to be tried by itself.
bool Reconciler::plug_at_once(const std::vector<Plug>& plugs) {
    std::set<std::string> askers;
    for (const Plug& one : plugs) askers.insert(one.ticket.caller.who());
    intent::Intent wanted = transactor_.running();
    for (const Plug& one : plugs) {
        auto verdict = intent::validate_nic(one.nic, wanted, facts(), code::plug_failed);
        if (!verdict.complaints.empty() || wanted.nics().contains(one.nic.key())) return false;
        wanted = std::move(verdict.wanted);
    }
    const auto outcome = transactor_.begin(wanted, {.begun = tell_begun(fmt::format("{}", fmt::join(askers, ", ")))});
    conclude(std::nullopt, outcome, code::plug_failed);
    if (!std::holds_alternative<apply::Committed>(outcome)) return false;
    for (const Plug& one : plugs) answer(one.ticket, one.nic, true);
    return true;
}

void Reconciler::update(const serve::ChangeNic& change) {
    const GuestNic* there = find_nic(change.params);
    if (!there)
        return refuse(change.ticket, intent::Complaints{{code::update_failed, serve::name_of(change.params).place, topology::Fault::not_found, "the guest has no such NIC; VM.getNics lists them"}});
    GuestNic nic = *there;
    intent::Complaints complaints;
    read_changes(change.params, nic, complaints);
    if (is_parting(there->key()))
        complaints.push_back({code::update_failed, serve::name_of(change.params).place, topology::Fault::busy, "its guest is asked to let go of it just now; ask again when it has not in time"});
    if (serve::names_another(change.params, there->mac)) {
        const auto other = serve::another_mac(change.verb);
        complaints.push_back({code::update_failed, other.subject, other.fault, other.what});
    }
    if (nic.incoming != there->incoming || nic.adopted != there->adopted)
        complaints.push_back({code::update_failed, "/nic/incoming", topology::Fault::invalid, "this can't change while the NIC is plugged in; unplug it and plug another"});
    if (nic.adopted && (nic.network != there->network || nic.link_active != there->link_active))
        complaints.push_back({code::update_failed, "/nic/network", topology::Fault::denied, "libvirt has plugged this NIC in by itself; move it, or draw its cable, by 'virsh update-device'"});
    if (nic.kind == intent::GuestKind::libvirt && !nic.incoming && !backends_.guests.connected())
        complaints.push_back({code::update_failed, "/nic/kind", topology::Fault::backend, why_not(backends_.guests)});
    const guests::Nic* plugged = backends_.guests.state().nics.find(lower::in_domain(there->key(), backends_.guests.state()));
    if (nic.adopted && plugged && plugged->facts.isolated && !nic.isolated)
        complaints.push_back({code::update_failed, "/nic/port_isolated", topology::Fault::denied, "libvirt keeps its port apart by itself (<port isolated='yes'/>); end that by 'virsh update-device' first"});
    nic.incoming = there->incoming;
    nic.adopted = there->adopted;
    const auto verdict = intent::validate_nic(nic, transactor_.running(), facts(), code::update_failed);
    add_new(verdict.complaints, complaints);
    if (!complaints.empty()) return refuse(change.ticket, serve::as_asked(complaints, change.params));
    // Also where libvirt has no part in it: the guest would find on the other host what was prepared for it before.
    const guests::Nic::Key key = lower::in_domain(nic.key(), backends_.guests.state());
    if (backends_.guests.state().nics.contains(key))
        if (const auto may = backends_.guests.may_change(key.domain, std::chrono::steady_clock::now() + longest_question); !may && may.error().fault == topology::Fault::busy)
            return refuse(change.ticket, code::migrating, may.error());
    put_nic(change.ticket, nic, verdict.wanted, code::update_failed);
}

void Reconciler::put_nic(const serve::Ticket& ticket, const GuestNic& nic, const intent::Intent& wanted, int code) {
    const intent::Intent was = transactor_.running();
    const lower::Touched named{.nics = {nic.key()}};  // of the same once more its device may be gone
    const auto outcome = transactor_.begin(wanted, {.named = named, .begun = tell_begun(ticket.caller.who())});
    announce_moved(was, wanted);
    const auto* committed = std::get_if<apply::Committed>(&outcome);
    if (!committed) return conclude(ticket, outcome, code);
    conclude(std::nullopt, outcome, code);
    answer(ticket, nic, committed->changed);
}

void Reconciler::answer(const serve::Ticket& ticket, const GuestNic& nic, bool changed) {
    json described = wire::write_nic(nic);
    described["port"] = lower::port_of(nic).text();
    json told = {{"nic", described}, {"changed", changed}};
    if (nic.kind == intent::GuestKind::libvirt && !nic.adopted) told["xml"] = guests::write_interface(lower::guest_device(nic, transactor_.running(), observe::host_of(backends_)));
    reply(ticket, told);
    // Who waits for the answer does not wait for the log.
    if (changed) log::info("{}: NIC {} of {} at {}, in {}", asked_by(ticket), nic.mac.text(), nic.vm, lower::port_of(nic).text(), nic.network.empty() ? "no network" : nic.network);
}

// A guest of libvirt's is asked to let go first, and its port is taken away when it has; what it never lets go of stays
// plugged in, wired and filtered.
void Reconciler::unplug(const serve::ChangeNic& change) {
    const GuestNic* there = find_nic(change.params);
    if (!there) return reply(change.ticket, {{"changed", false}});
    if (serve::names_another(change.params, there->mac)) {
        const auto other = serve::another_mac(change.verb);
        return refuse(change.ticket, intent::Complaints{{code::unplug_failed, other.subject, other.fault, other.what}});
    }
    const GuestNic::Key key = there->key();
    const guests::Nic::Key nic = lower::in_domain(key, backends_.guests.state());
    if (there->kind != intent::GuestKind::libvirt || there->incoming) return take_out(change.ticket, key);
    if (!backends_.guests.connected())
        return refuse(change.ticket, code::unplug_failed, {topology::Fault::backend, "", why_not(backends_.guests)});
    const guests::Nic* plugged = backends_.guests.state().nics.find(nic);
    if (!plugged) return take_out(change.ticket, key);
    const auto device = plugged->device;
    if (partings_.size() >= most_partings) return refuse(change.ticket, code::busy, {topology::Fault::busy, "", fmt::format("{} guests are asked to let go of NICs already; try again when one has", partings_.size())});
    const auto first = std::ranges::find(partings_, key, &Parting::nic);
    if (first != partings_.end()) return wait_for_parting(change.ticket, key, first->device, first->deadline);
    const auto deadline = std::chrono::steady_clock::now() + longest_parting;
    if (auto asked = backends_.guests.ask_to_let_go(nic, deadline); !asked && backends_.guests.state().nics.contains(nic))
        return refuse(change.ticket, asked.error().fault == topology::Fault::busy ? code::migrating : code::unplug_failed, asked.error());
    wait_for_parting(change.ticket, key, device, deadline);
}

// Whoever waits for a guest leaves his place in the queue to others.
void Reconciler::wait_for_parting(serve::Ticket ticket, const GuestNic::Key& nic, const std::optional<topology::IfName>& device, std::chrono::steady_clock::time_point deadline) {
    if (std::exchange(ticket.is_counted, false)) notes_.push(serve::LeftQueue{});
    partings_.push_back({std::move(ticket), nic, device, deadline});
}

bool Reconciler::is_parting(const GuestNic::Key& nic) const { return std::ranges::find(partings_, nic, &Parting::nic) != partings_.end(); }

void Reconciler::take_out(const serve::Ticket& ticket, const GuestNic::Key& key) {
    intent::Intent wanted = transactor_.running();
    const GuestNic* nic = wanted.nics().find(key);
    const topology::IfName port = nic ? lower::port_of(*nic) : lower::port_of(key);
    const bridges::Link* there = backends_.kernel.state().links.find(port);
    const bool is_others = nic && !nic->adopted && there && !intent::is_ours(*there);
    wanted.remove(key);
    const auto outcome = transactor_.begin(wanted, {.begun = tell_begun(ticket.caller.who())});
    const auto* committed = std::get_if<apply::Committed>(&outcome);
    if (!committed) return conclude(ticket, outcome, code::unplug_failed);
    // With its namespace went the port, and with the port nothing of its filter; and what somebody else has made in its place is not filtered.
    if (!there || is_others) forget_filters(backends_.kernel, is_others ? std::set{port} : std::set<topology::IfName>());
    conclude(std::nullopt, outcome, code::unplug_failed);
    log::info("{}: NIC {} of {} is gone", asked_by(ticket), key.mac.text(), key.vm);
    reply(ticket, {{"changed", true}});
}

}  // namespace netd
