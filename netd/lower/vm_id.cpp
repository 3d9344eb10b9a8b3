// The words as they were given come first: they are what a NIC is kept under, and what its port is called by.
#include "netd/lower/vm_id.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <strings.h>

namespace lower {
namespace {

using intent::GuestNic;

bool is_uuid(const std::string& text) {
    constexpr std::string_view shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    return std::ranges::equal(text, shape, [](unsigned char c, char due) { return due == '-' ? c == '-' : std::isxdigit(c) != 0; });
}

}  // namespace

const std::string& domain_name(const std::string& vm, const guests::State& guests) {
    const guests::Domain* domain = guests.domain(vm);
    return domain ? domain->name : vm;
}

bool is_same_guest(const std::string& a, const std::string& b, const guests::State& guests) {
    const std::string &one = domain_name(a, guests), &other = domain_name(b, guests);
    return one == other || (is_uuid(one) && ::strcasecmp(one.c_str(), other.c_str()) == 0);
}

guests::Nic::Key in_domain(const GuestNic::Key& nic, const guests::State& guests) { return {domain_name(nic.vm, guests), nic.mac}; }

const GuestNic* find_nic(const intent::Intent& running, const std::string& vm, const topology::Mac& mac, const guests::State& guests) {
    if (const GuestNic* exactly = running.nics().find({vm, mac})) return exactly;
    for (const GuestNic* nic : running.with_mac(mac))
        if (is_same_guest(nic->vm, vm, guests)) return nic;
    return nullptr;
}

const GuestNic* find_nic(const intent::Intent& running, const std::string& vm, const std::string& alias, const guests::State& guests) {
    const GuestNic* found = nullptr;
    for (const GuestNic& nic : running.nics()) {
        if (nic.alias != alias) continue;
        if (nic.vm == vm) return &nic;
        if (!found && is_same_guest(nic.vm, vm, guests)) found = &nic;
    }
    return found;
}

}  // namespace lower
