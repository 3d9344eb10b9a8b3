// What a vmId means: a guest under the words that it was given when its NIC was plugged in, by its domain's name, or by that's UUID.
#pragma once

#include "netd/guests/state.hpp"
#include "netd/intent/intent.hpp"

#include <string>

namespace lower {

// As which libvirt knows the guest: its domain's name, or the vmId itself where there is no such domain.
const std::string& domain_name(const std::string& vm, const guests::State& guests);

// Both mean one guest; of UUIDs in whichever case, also while the domain is still to come.
bool is_same_guest(const std::string& a, const std::string& b, const guests::State& guests);

// The NIC of the guest as its domain has it.
guests::Nic::Key in_domain(const intent::GuestNic::Key& nic, const guests::State& guests);

// The guest's NIC: where the same MAC is known under the very words, that; else under others that mean the guest. Null: there is none.
const intent::GuestNic* find_nic(const intent::Intent& running, const std::string& vm, const topology::Mac& mac, const guests::State& guests);
const intent::GuestNic* find_nic(const intent::Intent& running, const std::string& vm, const std::string& alias, const guests::State& guests);

}  // namespace lower
