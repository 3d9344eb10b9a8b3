// The least that the kernel can be asked to do for what netd does: no checks, no journal, no look afterwards.
//   limit create N NIC NAME     a bridge NAMEi with everything in its message for each NICi, and the NIC into it, up
//   limit remove N NAME group|each    these bridges: put into a group and deleted by one message, or one by one
//   limit veths N NAME          pairs NAMEi and NAMEi-, the far ends up, to be NICs; not timed against anything
//   limit taps N NAME group|each      makes persistent taps, then deletes them; the deletion is what is told
//   limit plug N BRIDGE NAME    taps, one after the other, into a bridge and up: the time of each
//   limit unplug N NAME         closes and detaches each: the time of each; then deletes them as a group
//   limit taps-stay N NAME      makes persistent taps; limit drop N NAME deletes what is called so
//   limit vlans N BASE NAME     VLAN devices and a bridge each
//   limit ranges N BRIDGE-PORT  VLANs 1 to N on a port of a filtering bridge, 256 a message
// Tells microseconds, one a line.
#include "netlink.hpp"

#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <fstream>

namespace limit {
namespace {

void tell(double since) { std::printf("%.0f\n", (seconds() - since) * 1e6); }

std::string numbered(const char* name, int number) { return name + std::to_string(number); }

int index_of(const std::string& name) {
    const auto index = static_cast<int>(if_nametoindex(name.c_str()));
    if (!index) die(name.c_str(), errno);
    return index;
}

Message bridge(const std::string& name, std::uint8_t a, std::uint8_t b) {
    const std::uint8_t mac[6] = {0x52, 0x54, 0, 1, a, b};
    Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    message.put(IFLA_IFNAME, name).put(IFLA_ADDRESS, mac, 6).number<std::uint32_t>(IFLA_MTU, 1500).kind("bridge").up();
    return message;
}

Message into(int link, int master) {
    Message message(RTM_NEWLINK, 0, link);
    message.number<std::uint32_t>(IFLA_MTU, 1500).number<std::uint32_t>(IFLA_MASTER, static_cast<std::uint32_t>(master)).up();
    return message;
}

void create(Socket& socket, int count, const char* nic, const char* name) {
    std::vector<int> nics;
    for (int i = 0; i < count; ++i) nics.push_back(index_of(numbered(nic, i)));
    const double begun = seconds();
    std::vector<Message> messages;
    for (int i = 0; i < count; ++i) messages.push_back(bridge(numbered(name, i), static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)));
    socket.exchange(messages);
    messages.clear();
    for (int i = 0; i < count; ++i) messages.push_back(into(nics[static_cast<std::size_t>(i)], index_of(numbered(name, i))));
    socket.exchange(messages);
    tell(begun);
}

void erase(Socket& socket, int count, const char* name, bool by_group) {
    constexpr std::uint32_t group = 4711;
    std::vector<Message> messages;
    if (!by_group) {
        for (int i = 0; i < count; ++i) messages.emplace_back(RTM_DELLINK, 0, index_of(numbered(name, i)));
        return socket.exchange(messages);
    }
    for (int i = 0; i < count; ++i) {
        messages.emplace_back(RTM_NEWLINK, 0, index_of(numbered(name, i)));
        messages.back().number(IFLA_GROUP, group);
    }
    socket.exchange(messages);
    Message all(RTM_DELLINK, 0);
    all.number(IFLA_GROUP, group);
    socket.exchange(std::move(all));
}

void remove(Socket& socket, int count, const char* name, bool by_group) {
    const double begun = seconds();
    erase(socket, count, name, by_group);
    tell(begun);
}

// A far end is a wire, of which the host has nothing: the kernel walks over all routes of IPv6 whenever an MTU changes.
void take_ipv6_from(const std::string& name) { std::ofstream("/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6") << 1; }

void veths(Socket& socket, int count, const char* name) {
    std::vector<Message> messages;
    for (int i = 0; i < count; ++i) {
        Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
        message.put(IFLA_IFNAME, numbered(name, i));
        const auto about = message.open(IFLA_LINKINFO);
        message.put(IFLA_INFO_KIND, std::string("veth"));
        const auto body = message.open(IFLA_INFO_DATA);
        const auto peer = message.open(1);  // VETH_INFO_PEER
        message.header_of_peer();
        message.put(IFLA_IFNAME, numbered(name, i) + "-");
        message.close(peer);
        message.close(body);
        message.close(about);
        messages.push_back(std::move(message));
    }
    socket.exchange(messages);
    messages.clear();
    for (int i = 0; i < count; ++i) take_ipv6_from(numbered(name, i) + "-");
    for (int i = 0; i < count; ++i) messages.push_back(Message(RTM_NEWLINK, 0, index_of(numbered(name, i) + "-")).up());
    socket.exchange(messages);
}

void tap(const std::string& name) {
    const int device = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL);
    if (device < 0 || ::ioctl(device, TUNSETIFF, &request) < 0 || ::ioctl(device, TUNSETPERSIST, 1UL) < 0) die(name.c_str(), errno);
    ::close(device);
}

void taps(Socket& socket, int count, const char* name, bool by_group) {
    for (int i = 0; i < count; ++i) tap(numbered(name, i));
    const double begun = seconds();
    erase(socket, count, name, by_group);
    tell(begun);
}

void plug(Socket& socket, int count, const char* master, const char* name) {
    const int index = index_of(master);
    for (int i = 0; i < count; ++i) {
        const double begun = seconds();
        tap(numbered(name, i));
        socket.exchange(into(index_of(numbered(name, i)), index));
        tell(begun);
    }
}

void unplug(Socket& socket, int count, const char* name) {
    for (int i = 0; i < count; ++i) {
        const int index = index_of(numbered(name, i));
        const double begun = seconds();
        Message message(RTM_NEWLINK, 0, index);
        message.info()->ifi_change = IFF_UP;
        message.number<std::uint32_t>(IFLA_MASTER, 0);
        socket.exchange(std::move(message));
        tell(begun);
    }
    erase(socket, count, name, true);
}

void vlans(Socket& socket, int count, const char* base, const char* name) {
    const int index = index_of(base);
    const double begun = seconds();
    std::vector<Message> messages;
    for (int i = 0; i < count; ++i) messages.push_back(bridge(numbered(name, i), static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)));
    socket.exchange(messages);
    messages.clear();
    for (int i = 0; i < count; ++i) {
        Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
        message.put(IFLA_IFNAME, numbered("v", i + 1)).number(IFLA_LINK, index).number(IFLA_MASTER, index_of(numbered(name, i))).up();
        const auto about = message.open(IFLA_LINKINFO);
        message.put(IFLA_INFO_KIND, std::string("vlan"));
        const auto body = message.open(IFLA_INFO_DATA);
        message.number<std::uint16_t>(IFLA_VLAN_ID, static_cast<std::uint16_t>(i + 1));
        message.close(body);
        message.close(about);
        messages.push_back(std::move(message));
    }
    socket.exchange(messages);
    tell(begun);
}

void ranges(Socket& socket, int count, const char* port) {
    const double begun = seconds();
    std::vector<Message> messages;
    for (int from = 1; from <= count; from += 256) {
        Message message(RTM_SETLINK, 0, index_of(port));
        message.info()->ifi_family = AF_BRIDGE;
        const auto about = message.open(IFLA_AF_SPEC);
        const bridge_vlan_info first{BRIDGE_VLAN_INFO_RANGE_BEGIN, static_cast<std::uint16_t>(from)};
        const bridge_vlan_info last{BRIDGE_VLAN_INFO_RANGE_END, static_cast<std::uint16_t>(std::min(from + 255, count))};
        message.put(IFLA_BRIDGE_VLAN_INFO, &first, sizeof first).put(IFLA_BRIDGE_VLAN_INFO, &last, sizeof last);
        message.close(about);
        messages.push_back(std::move(message));
    }
    socket.exchange(messages, 1);
    tell(begun);
}

int run(const std::vector<std::string>& words) {
    Socket socket;
    const auto is = [&](const char* verb, std::size_t due) { return words.size() == due && words[0] == verb; };
    const auto number = [&] { return std::atoi(words[1].c_str()); };
    const auto word = [&](std::size_t place) { return words[place].c_str(); };
    if (is("create", 4)) create(socket, number(), word(2), word(3));
    else if (is("remove", 4)) remove(socket, number(), word(2), words[3] == "group");
    else if (is("veths", 3)) veths(socket, number(), word(2));
    else if (is("taps", 4)) taps(socket, number(), word(2), words[3] == "group");
    else if (is("plug", 4)) plug(socket, number(), word(2), word(3));
    else if (is("unplug", 3)) unplug(socket, number(), word(2));
    else if (is("vlans", 4)) vlans(socket, number(), word(2), word(3));
    else if (is("ranges", 3)) ranges(socket, number(), word(2));
    else if (is("drop", 3)) erase(socket, number(), word(2), true);
    else if (is("taps-stay", 3)) for (int i = 0; i < number(); ++i) tap(numbered(word(2), i));
    else return std::fputs("limit: see the head of bench/limit/limit.cpp\n", stderr), 2;
    return 0;
}

}  // namespace
}  // namespace limit

int main(int count, char** words) { return limit::run({words + 1, words + count}); }
