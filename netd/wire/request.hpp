// JSON-RPC 2.0 as netd speaks it: one request a message, named parameters, and an answer to everything.
#pragma once

#include "netd/wire/json.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

namespace wire {

// The codes that the standard reserves; those of netd itself are in docs/protocol.md.
enum class Rpc : int { parse_error = -32700, invalid_request = -32600, unknown_method = -32601, invalid_params = -32602 };

struct Request {
    nlohmann::json id = {};  // a whole number, or a text of at most 256 bytes
    std::string method = {};
    nlohmann::json params = nlohmann::json::object();  // an object, empty if none were sent

    bool operator==(const Request&) const = default;
};

// Why a message is no request, in the terms of the answer that it gets.
struct Refusal {
    nlohmann::json id = {};  // that of the request wherever it can be read, else null
    int code = 0;
    std::string message = {};
    nlohmann::json data = {};  // [{path, fault, what}], as in the answers of all verbs

    bool operator==(const Refusal&) const = default;
};

// `path` leads to the part of the message that is wrong; empty: the whole of it is.
Refusal refusal(nlohmann::json id, Rpc code, std::string_view path, std::string what);

std::variant<Request, Refusal> read_request(std::string_view message);

std::string write_result(const nlohmann::json& id, const nlohmann::json& result);

std::string write_error(const nlohmann::json& id, int code, std::string_view message, const nlohmann::json& data);
std::string write_error(const Refusal& refusal);

}  // namespace wire
