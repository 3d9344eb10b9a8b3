// The live domain is what counts: how it is defined for its next start is the affair of who defined it.
#include "netd/guests/virt_session.hpp"

#include "netd/guests/domain_xml.hpp"

#include <fmt/format.h>

namespace guests {
namespace {

std::string subject_of(const std::string& domain) { return "domain " + domain; }

// Where it comes to, libvirt says nothing of the job.
bool is_arriving(virDomain* domain) {
    int state = VIR_DOMAIN_NOSTATE, reason = 0;
    if (virt().virDomainGetState(domain, &state, &reason, 0) < 0) return false;
    return (state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_MIGRATION) || (state == VIR_DOMAIN_RUNNING && reason == VIR_DOMAIN_RUNNING_POSTCOPY);
}

// A guest that moves must not change on the way: its description has been sent already.
bool is_migrating(virDomain* domain) {
    int type = VIR_DOMAIN_JOB_NONE, count = 0, operation = 0;
    virTypedParameterPtr told = nullptr;
    if (virt().virDomainGetJobStats(domain, &type, &told, &count, 0) < 0) return is_arriving(domain);
    const bool known = virt().virTypedParamsGetInt(told, count, VIR_DOMAIN_JOB_OPERATION, &operation) > 0;
    virt().virTypedParamsFree(told, count);
    const bool runs = type == VIR_DOMAIN_JOB_BOUNDED || type == VIR_DOMAIN_JOB_UNBOUNDED;
    return runs && known && (operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT || operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN);
}

// It lives and can't be read: what was known of it holds.
void carry_over(const std::string& name, const State& known, State& state) {
    if (const Domain* domain = known.domains.find(Text{name})) state.domains.put(*domain);
    for (const Nic& nic : known.nics)
        if (nic.domain == name) state.nics.put(nic);
}

void forget(const std::string& name, State& state) {
    std::vector<Nic::Key> gone;
    for (const Nic& nic : state.nics)
        if (nic.domain == name) gone.push_back(nic.key());
    for (const auto& key : gone) state.nics.erase(key);
    state.domains.erase(Text{name});
}

}  // namespace

Result<Session> Session::open(const std::string& uri) {
    if (auto loaded = load_virt(); !loaded) return loaded.error();
    if (auto started = start_virt_loop(); !started) return started.error();
    ConnectionPtr connection(virt().virConnectOpen(uri.c_str()));
    if (!connection) return last_error("libvirt");
    // A libvirtd that hangs is given up after four times five seconds.
    constexpr int interval = 5;
    constexpr unsigned count = 3;
    if (virt().virConnectSetKeepAlive(connection.get(), interval, count) < 0) return last_error("libvirt");
    return Session(std::move(connection), nullptr);
}

Result<Session> Session::open(const std::string& uri, const Hints& hints) {
    auto opened = open(uri);
    if (!opened) return opened;
    auto ear = Ear::open(opened->connection_.get(), hints);
    if (!ear) return ear.error();
    opened->ear_ = std::move(*ear);
    return opened;
}

Result<State> Session::look(const State& known) const {
    virDomainPtr* listed = nullptr;
    const int count = virt().virConnectListAllDomains(connection_.get(), &listed, 0);
    if (count < 0) return last_error("libvirt");
    std::vector<DomainPtr> domains(listed, listed + count);
    std::free(listed);
    State state;
    for (const auto& domain : domains) {
        const auto taken = take_in(domain.get(), state);
        if (taken || taken.error().fault == Fault::not_found) continue;
        if (!is_alive()) return taken.error();
        if (const char* name = virt().virDomainGetName(domain.get())) carry_over(name, known, state);
    }
    return state;
}

Result<> Session::look_at(const std::string& name, State& into) const {
    const DomainPtr domain(virt().virDomainLookupByName(connection_.get(), name.c_str()));
    const auto said = domain ? Result<>() : Result<>(last_error(subject_of(name)));
    if (!said && said.error().fault != Fault::not_found) return said;
    State now = into;
    forget(name, now);
    if (domain)
        if (auto taken = take_in(domain.get(), now); !taken && taken.error().fault != Fault::not_found) return taken;  // it lives: what was known of it holds
    into = std::move(now);
    return {};
}

// One that goes while it is looked at is as one that is gone.
Result<> Session::take_in(virDomain* domain, State& into) const {
    char uuid[VIR_UUID_STRING_BUFLEN] = {};
    const char* name = virt().virDomainGetName(domain);
    if (!name || virt().virDomainGetUUIDString(domain, uuid) < 0) return last_error("libvirt");
    const int active = virt().virDomainIsActive(domain);
    if (active < 0) return last_error(subject_of(name));
    std::vector<Nic> nics;
    if (active == 1) {
        const TextPtr xml(virt().virDomainGetXMLDesc(domain, 0));
        if (!xml) return last_error(subject_of(name));
        auto read = read_interfaces(xml.get(), name);
        if (!read) return read.error();
        nics = std::move(*read);
    }
    into.domains.put({name, uuid, active == 1});
    for (Nic& nic : nics) into.nics.put(std::move(nic));
    return {};
}

Result<DomainPtr> Session::changeable(const std::string& name) const {
    DomainPtr domain(virt().virDomainLookupByName(connection_.get(), name.c_str()));
    if (!domain) return last_error(subject_of(name));
    if (is_migrating(domain.get())) return Error{Fault::busy, subject_of(name), "it is migrating; ask again when it has arrived"};
    if (virt().virDomainIsActive(domain.get()) != 1) return Error{Fault::conflict, subject_of(name), "it does not run"};
    return domain;
}

Result<> Session::may_change(const std::string& domain) const {
    auto found = changeable(domain);
    return found ? Result<>() : found.error();
}

std::chrono::milliseconds Session::silence(const std::string& name) const {
    const DomainPtr domain(virt().virDomainLookupByName(connection_.get(), name.c_str()));
    virDomainControlInfo told = {};
    if (!domain || virt().virDomainGetControlInfo(domain.get(), &told, 0) < 0 || told.state != VIR_DOMAIN_CONTROL_OCCUPIED) return {};
    return std::chrono::milliseconds(told.stateTime);
}

Result<> Session::carry_out(const Op& op) const {
    if (const auto* plugged = std::get_if<Create<Nic>>(&op)) {
        auto domain = changeable(plugged->now.domain);
        if (!domain) return domain.error();
        const std::string xml = write_interface(plugged->now);
        if (virt().virDomainAttachDeviceFlags(domain->get(), xml.c_str(), VIR_DOMAIN_AFFECT_LIVE) < 0) return last_error(subject_of(plugged->now.domain));
    } else if (const auto* changed = std::get_if<Update<Nic>>(&op)) {
        auto domain = changeable(changed->was.domain);
        if (!domain) return domain.error();
        // libvirt takes what is left out as taken away, so all of it is said again.
        Nic whole = changed->was;
        whole.link = changed->now.link;
        if (virt().virDomainUpdateDeviceFlags(domain->get(), write_interface(whole).c_str(), VIR_DOMAIN_AFFECT_LIVE) < 0) return last_error(subject_of(whole.domain));
    }
    return {};
}

Result<> Session::ask_to_let_go(const Nic::Key& key, const State& known) const {
    const Nic* nic = known.nics.find(key);
    if (!nic || !nic->alias || nic->alias->empty()) return Error{Fault::not_found, subject_of(key.domain), fmt::format("it has no NIC {}", key.mac.text())};
    auto domain = changeable(key.domain);
    if (!domain) return domain.error();
    if (virt().virDomainDetachDeviceAlias(domain->get(), nic->alias->c_str(), VIR_DOMAIN_AFFECT_LIVE) == 0) return {};
    const Error said = last_error(subject_of(key.domain));
    // Asked once already, and the guest has not answered yet: that is what was wanted.
    return said.what.find("already in the process of unplug") != std::string::npos ? Result<>() : said;
}

}  // namespace guests
