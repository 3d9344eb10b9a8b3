// Changes as rtnetlink's messages. Links are named by index, only one that is to be made by its name.
#pragma once

#include "bridges/nl_message.hpp"
#include "bridges/option_table.hpp"
#include "bridges/state.hpp"
#include "topology/result.hpp"

#include <set>

namespace bridges {

using topology::Error;
using topology::Fault;
using topology::Result;

// Bytes of a message about a link: a bond with all its options and 32 addresses to ask is 2 KiB.
constexpr std::size_t link_room = 4096;

// Everything that the kernel takes in the creating message; the link is down. `netns` is open where a veth's peer shall
// be, or -1. Error: something that it names is not there, or nobody can make such a link.
Result<Message> write_creation(const Link& now, const State& host, int netns);

// What makes `have` (the mirror's) into what `now` says, in the order that the kernel needs. Error: its master is not
// there, or the difference is one that no message makes.
Result<> write_changes(const Link& now, const Link& have, const State& host, std::vector<Message>& into);

// Refusals of such a message that mean that it is so already.
std::set<int> fine_for(const Message& message);
// Whether the kernel tells of the link, and so of its settings, once these are done.
bool tell_of_link(const std::vector<Message>& messages);

// The index of a link of that name in the mirror.
IndexOf index_in(const State& host);

// The link's IPv4 settings (IPV4_DEVCONF_…), in a message about it.
void put_ipv4_settings(Message& message, std::initializer_list<std::pair<int, std::uint32_t>> settings);

// The addresses of `now`, which says some, that `have` has too many of or lacks.
void write_addresses(const Link& now, const Link& have, std::vector<Message>& into);

Message write_address_deletion(int index, const Subnet& address);
// The default route that the kernel made of what this router announced.
Message write_router_deletion(int index, const IpAddress& router);
// The link-local address that the kernel makes of a MAC (EUI-64), in place of that of the MAC before.
void write_link_local(int index, const Mac& now, const Mac& before, std::vector<Message>& into);

// The kernel's own route to an address' subnet, as it makes it with the address.
Message write_subnet_route(int index, const Subnet& address, std::optional<std::uint32_t> metric = {});
// That of an address of the link which lacks it, also where the address' maker wanted none.
void write_its_route(const Link& link, const Subnet& address, std::vector<Message>& into);

Message write_alias(const std::string& name, const Owner& owner);      // of a link that was just made
Message write_up(int index);
Message write_promiscuous(int index, bool whether);
Message write_group(int index, std::uint32_t group);
Message write_deletion(int index);
Message write_group_deletion(std::uint32_t group);

Message write_route(const Route& route, int device);
Message write_route_deletion(const Route& route, int device);
Message write_rule(const Rule& rule);
Message write_rule_deletion(const Rule& rule);

// Changes nothing, and is answered when all changes that were under way are done.
Message write_nothing();

// Questions.
Message ask_link(int index);
Message ask_links();
Message ask_bridge_ports();
Message ask_addresses();
Message ask_routes(int family, std::optional<int> device, std::optional<std::uint32_t> table);
Message ask_rules(int family);

}  // namespace bridges
