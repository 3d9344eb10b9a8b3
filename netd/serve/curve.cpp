// The listening socket is made here and handed to libzmq, since libzmq can't bind an address that comes only later.
#include "netd/serve/curve.hpp"

#include "netd/loop/event_loop.hpp"
#include "netd/loop/fd.hpp"
#include "netd/loop/socket_option.hpp"
#include "topology/numbers.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

namespace serve {

namespace {

constexpr std::size_t key_bytes = 32, key_characters = 40;

struct Place {
    topology::IpAddress address;
    std::uint16_t port = 0;
};

Result<Place> parse_tcp(const std::string& endpoint) {
    constexpr std::string_view scheme = "tcp://";
    const Error wrong{Fault::invalid, endpoint, "is not tcp://ADDRESS:PORT with an address of this host in numbers (IPv6 in brackets)"};
    if (!endpoint.starts_with(scheme)) return wrong;
    std::string_view rest = std::string_view(endpoint).substr(scheme.size());
    const auto colon = rest.rfind(':');
    if (colon == rest.npos) return wrong;
    const auto port = topology::parse_number(rest.substr(colon + 1), 1, 65535);
    if (!port) return wrong;
    rest = rest.substr(0, colon);
    if (rest.starts_with('[') != rest.ends_with(']')) return wrong;
    const bool has_brackets = rest.starts_with('[');
    if (has_brackets) rest = rest.substr(1, rest.size() - 2);
    if (rest == "*") return Error{Fault::invalid, endpoint, "would be open on every network, the guests' too: name one address of this host"};
    const auto address = topology::IpAddress::parse(rest);
    if (!address || address->is_v6() != has_brackets) return wrong;
    if (address->is_unspecified()) return Error{Fault::invalid, endpoint, "would be open on every network, the guests' too: name one address of this host"};
    return Place{*address, static_cast<std::uint16_t>(*port)};
}

socklen_t fill(sockaddr_storage& into, const Place& place) {
    if (place.address.is_v6()) {
        auto& six = reinterpret_cast<sockaddr_in6&>(into);
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(place.port);
        std::memcpy(&six.sin6_addr, place.address.data(), place.address.size());
        return sizeof six;
    }
    auto& four = reinterpret_cast<sockaddr_in&>(into);
    four.sin_family = AF_INET;
    four.sin_port = htons(place.port);
    std::memcpy(&four.sin_addr, place.address.data(), place.address.size());
    return sizeof four;
}

Result<loop::Fd> listen_at(const Place& place, const std::string& endpoint) {
    sockaddr_storage where{};
    const socklen_t size = fill(where, place);
    loop::Fd listener(::socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!listener) return loop::system_error(endpoint, "socket");
    loop::set_option(listener.number(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (place.address.is_v6()) loop::set_option(listener.number(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    // IP_FREEBIND counts for IPv6 as well.
    if (!loop::set_option(listener.number(), IPPROTO_IP, IP_FREEBIND, 1)) return loop::system_error(endpoint, "IP_FREEBIND");
    if (::bind(listener.number(), reinterpret_cast<const sockaddr*>(&where), size) != 0) return loop::system_error(endpoint, "bind");
    if (::listen(listener.number(), 64) != 0) return loop::system_error(endpoint, "listen");
    return listener;
}

std::optional<std::string> decoded(std::string text) {
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    if (text.size() != key_characters) return std::nullopt;
    std::string key(key_bytes, '\0');
    if (!zmq_z85_decode(reinterpret_cast<std::uint8_t*>(key.data()), text.c_str())) return std::nullopt;
    return key;
}

// More than a key with its line end is no key; so a wrong file, however large, costs little.
std::optional<std::string> key_in(const std::filesystem::path& file) {
    std::ifstream stream(file);
    char text[64] = {};
    stream.read(text, sizeof text - 1);
    return decoded(std::string(text, static_cast<std::size_t>(std::max<std::streamsize>(0, stream.gcount()))));
}

// What is told to logs and subscribers, and travels in a badge.
bool is_a_name(const std::string& name) {
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return !name.empty() && name.size() <= 64 && name.find_first_not_of(allowed) == name.npos;
}

// With its key, or none where there is none now. False: the folder can't be read.
template <class Visit>
bool each_engine(const std::string& folder, Visit visit) {
    std::error_code failed;
    for (auto at = std::filesystem::directory_iterator(folder, failed); !failed && at != std::filesystem::directory_iterator(); at.increment(failed)) {
        const auto& path = at->path();
        if (path.extension() != ".pub" || !is_a_name(path.stem().string())) continue;
        visit(path.stem().string(), key_in(path));
    }
    return !failed;
}

}  // namespace

Result<> check_tcp(const std::string& endpoint) {
    if (auto place = parse_tcp(endpoint); !place) return place.error();
    return {};
}

std::string address_in(const std::string& endpoint) {
    const auto place = parse_tcp(endpoint);
    return place ? place->address.text() : "";
}

Result<> bind_curve(Socket& socket, const CurveDoor& door) {
    auto place = parse_tcp(door.endpoint);
    if (!place) return place.error();
    if (door.secret.size() != key_bytes) return Error{Fault::invalid, door.endpoint, "is served with a secret key only"};
    if (auto set = socket.set(ZMQ_CURVE_SERVER, 1); !set) return set;
    if (auto set = socket.set(ZMQ_CURVE_SECRETKEY, std::string_view(door.secret)); !set) return set;
    auto listener = listen_at(*place, door.endpoint);
    if (!listener) return listener.error();
    if (auto set = socket.set(ZMQ_IPV6, place->address.is_v6() ? 1 : 0); !set) return set;
    // libzmq closes the one that it is given, once it has taken it.
    const int given = ::fcntl(listener->number(), F_DUPFD_CLOEXEC, 0);
    if (given < 0) return loop::system_error(door.endpoint, "fcntl");
    auto bound = socket.set(ZMQ_USE_FD, given);
    if (bound) bound = socket.bind(door.endpoint);
    if (!bound) {
        ::close(given);
        return bound;
    }
    return socket.set(ZMQ_USE_FD, -1);
}

Result<std::string> read_secret(const std::string& file) {
    struct stat found{};
    if (::stat(file.c_str(), &found) != 0) return Error{Fault::not_found, file, std::string("the secret key can't be read: ") + std::strerror(errno)};
    if (!S_ISREG(found.st_mode)) return Error{Fault::invalid, file, "is no file with a secret key"};
    if ((found.st_mode & 077) != 0) return Error{Fault::denied, file, "others may read this secret key: chmod 600 it, and make a new one if they may have"};
    const auto key = key_in(file);
    if (!key) return Error{Fault::invalid, file, "holds no secret key (40 characters of Z85); docs/operating.md says under Engines elsewhere how to make a pair"};
    return *key;
}

Result<std::optional<std::string>> engine_with_key(std::string_view key, const std::string& folder) {
    std::optional<std::string> engine, without_key;
    const bool is_read = each_engine(folder, [&](const std::string& name, const std::optional<std::string>& known) {
        if (!known) without_key = name;
        // The first by name, if somebody gave one key two names.
        if (known == key && (!engine || name < *engine)) engine = name;
    });
    if (!engine && !is_read) return Error{Fault::not_found, folder, "can't be read"};
    if (!engine && without_key) return Error{Fault::invalid, folder + "/" + *without_key + ".pub", "holds no public key"};
    return engine;
}

Result<std::size_t> count_engines(const std::string& folder) {
    std::size_t count = 0;
    if (!each_engine(folder, [&](const std::string&, const std::optional<std::string>& key) { count += key ? 1 : 0; })) return Error{Fault::not_found, folder, "the folder of the engines' public keys can't be read"};
    return count;
}

}  // namespace serve
