// A message becomes a request or a refusal that can be sent as it is; nothing behind this has to look at the envelope.
#include "netd/wire/request.hpp"

#include <algorithm>
#include <array>

namespace wire {

namespace {

using nlohmann::json;

constexpr std::size_t longest_id = 256;
constexpr std::size_t longest_method = 128;

bool is_id(const json& value) {
    if (value.is_number_integer()) return true;
    return value.is_string() && value.get_ref<const std::string&>().size() <= longest_id;
}

// What is no JSON has bytes, and no parts that a pointer could lead to.
Refusal refuse_text(std::string_view message, const Error& error) {
    const bool is_pointer = error.subject.empty() || error.subject.front() == '/';
    return is_pointer ? refusal(salvage_id(message), Rpc::parse_error, error.subject, error.what)
                      : refusal(salvage_id(message), Rpc::parse_error, "", sentence(error));
}

// The envelope but for its id, which the caller needs for the answer in any case.
std::variant<Request, Refusal> read_members(json id, json& message) {
    const auto no = [&id](Rpc code, std::string_view path, std::string what) {
        return refusal(id, code, path, std::move(what));
    };
    constexpr std::array<std::string_view, 4> known{"id", "jsonrpc", "method", "params"};
    for (const auto& [name, value] : message.items())
        if (std::find(known.begin(), known.end(), name) == known.end())
            return no(Rpc::invalid_request, pointer("", name), "a request has jsonrpc, id, method and params, and no more");
    if (const auto version = message.find("jsonrpc"); version == message.end() || *version != "2.0")
        return no(Rpc::invalid_request, "/jsonrpc", "must be \"2.0\"");

    const auto method = message.find("method");
    if (method == message.end() || !method->is_string()) return no(Rpc::invalid_request, "/method", "must be a text");
    auto& name = method->get_ref<std::string&>();
    if (name.empty() || name.size() > longest_method)
        return no(Rpc::invalid_request, "/method", "must have 1 to 128 bytes");

    Request request{std::move(id), std::move(name)};
    if (const auto params = message.find("params"); params != message.end() && !params->is_null()) {
        if (!params->is_object())
            return refusal(request.id, Rpc::invalid_params, "/params", "must be an object: parameters go by name");
        request.params = std::move(*params);
    }
    return request;
}

}  // namespace

Refusal refusal(json id, Rpc code, std::string_view path, std::string what) {
    std::string message = path.empty() ? what : std::string(path) + ": " + what;
    json data = json::array({{{"path", path}, {"fault", name_of(Fault::invalid)}, {"what", std::move(what)}}});
    return {std::move(id), static_cast<int>(code), std::move(message), std::move(data)};
}

std::variant<Request, Refusal> read_request(std::string_view text) {
    auto message = parse_strict(text);
    if (!message) return refuse_text(text, message.error());
    if (message->is_array())
        return refusal(nullptr, Rpc::invalid_request, "", "batches are not served: send each request as a message of its own");
    if (!message->is_object()) return refusal(nullptr, Rpc::invalid_request, "", "a request is an object");

    const auto id = message->find("id");
    if (id == message->end())
        return refusal(nullptr, Rpc::invalid_request, "/id", "is missing: notifications are not served, every request is answered");
    if (!is_id(*id))
        return refusal(nullptr, Rpc::invalid_request, "/id", "must be a whole number or a text of at most 256 bytes");
    return read_members(*id, *message);
}

std::string write_result(const json& id, const json& result) {
    // Put together from parts, so that a large result is not copied for the sake of its envelope.
    return R"({"jsonrpc":"2.0","id":)" + dump(id) + R"(,"result":)" + dump(result) + "}";
}

std::string write_error(const json& id, int code, std::string_view message, const json& data) {
    const json error{{"code", code}, {"message", message}, {"data", data}};
    return R"({"jsonrpc":"2.0","id":)" + dump(id) + R"(,"error":)" + dump(error) + "}";
}

std::string write_error(const Refusal& refusal) {
    return write_error(refusal.id, refusal.code, refusal.message, refusal.data);
}

}  // namespace wire
