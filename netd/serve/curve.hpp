// The doors for engines elsewhere: TCP, and then only with CURVE, which proves both sides by their keys and hides the rest.
#pragma once

#include "netd/serve/zmq_handles.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace serve {

// Where it stands open, and the secret of who stands in it.
struct CurveDoor {
    std::string endpoint = {};  // "tcp://ADDRESS:PORT", numbers
    std::string secret = {};    // 32 bytes
};

// "No": it isn't tcp://ADDRESS:PORT with one address of this host in numbers. Never "*" or an unspecified address, which
// would be open on every network, the guests' ones among them.
Result<> check_tcp(const std::string& endpoint);
// The address in it; empty where the above says no.
std::string address_in(const std::string& endpoint);

// Whatever the socket is bound to already stays as it is: libzmq gives each place the options of its own moment. The
// address need not be there yet: a network may bring it later. In use by somebody else is a "no".
Result<> bind_curve(Socket& socket, const CurveDoor& door);

// The 32 bytes of a file with 40 characters of Z85, readable by its owner alone. "No": a sentence what is wrong with it.
Result<std::string> read_secret(const std::string& file);

// The NAME of the file NAME.pub in the folder that holds this public key of 32 bytes; the folder is read each time, so
// who is added or taken away counts from the next connection on. Blocks as the disk does. "No": it may be in one that
// holds no key now, or can't be read, as while it is written.
Result<std::optional<std::string>> engine_with_key(std::string_view key, const std::string& folder);

// How many keys are there. "No": the folder can't be read.
Result<std::size_t> count_engines(const std::string& folder);

}  // namespace serve
