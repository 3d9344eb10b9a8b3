// A message is a request, or it gets an answer that says why not and to which request.
#include "netd/wire/request.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace request_test {

using nlohmann::json;
using wire::read_request;
using wire::Refusal;
using wire::Request;

namespace {

struct Bad {
    std::string text;
    json id;
    int code;
    std::string path;
};

}  // namespace

TEST_CASE("a request is its id, its method and its parameters", "[request]") {
    const auto read = read_request(R"({"jsonrpc":"2.0","id":7,"method":"Host.ping2","params":{"a":[1]}})");
    REQUIRE(std::get<Request>(read) == Request{7, "Host.ping2", {{"a", {1}}}});
}

TEST_CASE("parameters may be left out, and an id may be a text or any whole number", "[request]") {
    const auto read = [](const char* text) { return std::get<Request>(read_request(text)); };
    const auto none = json::object();
    REQUIRE(read(R"({"jsonrpc":"2.0","id":"x","method":"m"})") == Request{"x", "m", none});
    REQUIRE(read(R"({"jsonrpc":"2.0","id":"","method":"m","params":null})") == Request{"", "m", none});
    REQUIRE(read(R"({"params":{},"method":"m","id":-1,"jsonrpc":"2.0"})") == Request{-1, "m", none});
    REQUIRE(read(R"({"jsonrpc":"2.0","id":18446744073709551615,"method":"m"})") == Request{18446744073709551615u, "m", none});
}

TEST_CASE("what is no request is refused with the standard's code, the culprit's path and the id if it can be read", "[request]") {
    const std::string long_text(300, 'x');
    const Bad cases[] = {
        {"", nullptr, -32700, ""},
        {"{\"id\":7,", 7, -32700, ""},
        {R"({"jsonrpc":"2.0","id":7,"method":"m","params":{"a":1,"a":2}})", 7, -32700, "/params/a"},
        {R"({"jsonrpc":"2.0","method":"m","params":{"a":"\u0000"},"id":"later"})", "later", -32700, "/params/a"},
        {"[]", nullptr, -32600, ""},
        {R"([{"jsonrpc":"2.0","id":7,"method":"m"}])", nullptr, -32600, ""},
        {"7", nullptr, -32600, ""},
        {"null", nullptr, -32600, ""},
        {R"({"jsonrpc":"2.0","method":"m"})", nullptr, -32600, "/id"},
        {R"({"jsonrpc":"2.0","id":null,"method":"m"})", nullptr, -32600, "/id"},
        {R"({"jsonrpc":"2.0","id":1.5,"method":"m"})", nullptr, -32600, "/id"},
        {R"({"jsonrpc":"2.0","id":{},"method":"m"})", nullptr, -32600, "/id"},
        {R"({"jsonrpc":"2.0","id":true,"method":"m"})", nullptr, -32600, "/id"},
        {R"({"jsonrpc":"2.0","id":")" + long_text + R"(","method":"m"})", nullptr, -32600, "/id"},
        {R"({"id":7,"method":"m"})", 7, -32600, "/jsonrpc"},
        {R"({"jsonrpc":"1.0","id":7,"method":"m"})", 7, -32600, "/jsonrpc"},
        {R"({"jsonrpc":2.0,"id":7,"method":"m"})", 7, -32600, "/jsonrpc"},
        {R"({"jsonrpc":"2.0","id":7})", 7, -32600, "/method"},
        {R"({"jsonrpc":"2.0","id":7,"method":7})", 7, -32600, "/method"},
        {R"({"jsonrpc":"2.0","id":7,"method":""})", 7, -32600, "/method"},
        {R"({"jsonrpc":"2.0","id":7,"method":")" + long_text + R"("})", 7, -32600, "/method"},
        {R"({"jsonrpc":"2.0","id":7,"method":"m","Params":{}})", 7, -32600, "/Params"},
        {R"({"jsonrpc":"2.0","id":7,"method":"m","params":[]})", 7, -32602, "/params"},
        {R"({"jsonrpc":"2.0","id":"x","method":"m","params":"a"})", "x", -32602, "/params"},
    };
    for (const auto& bad : cases) {
        CAPTURE(bad.text);
        const auto read = read_request(bad.text);
        const auto* refusal = std::get_if<Refusal>(&read);
        REQUIRE(refusal);
        CHECK(refusal->id == bad.id);
        CHECK(refusal->code == bad.code);
        REQUIRE(refusal->data.is_array());
        REQUIRE(refusal->data.size() == 1);
        CHECK(refusal->data[0]["path"] == bad.path);
        CHECK(refusal->data[0]["fault"] == "invalid");
        CHECK(!refusal->data[0]["what"].get<std::string>().empty());
    }
}

TEST_CASE("a batch is told what to do instead", "[request]") {
    REQUIRE(std::get<Refusal>(read_request("[{},{}]")).message == "batches are not served: send each request as a message of its own");
}

TEST_CASE("answers carry the id and exactly one of result and error", "[request]") {
    REQUIRE(wire::write_result(7, {{"a", 1}}) == R"({"jsonrpc":"2.0","id":7,"result":{"a":1}})");
    REQUIRE(wire::write_result("x\"", nullptr) == R"({"jsonrpc":"2.0","id":"x\"","result":null})");
    REQUIRE(json::parse(wire::write_error(nullptr, 40, "busy", json::array())) ==
            json{{"jsonrpc", "2.0"}, {"id", nullptr}, {"error", {{"code", 40}, {"message", "busy"}, {"data", json::array()}}}});
    REQUIRE(json::parse(wire::write_error("x", 21, "no", {{"path", "/a"}}))["error"]["data"] == json{{"path", "/a"}});
}

TEST_CASE("an answer is one line of legal JSON whatever is in it", "[request]") {
    const auto text = wire::write_result("i\xff", {{"alias\xfe", "caf\xe9\n"}});
    REQUIRE(json::accept(text));
    REQUIRE(text.find('\n') == std::string::npos);
    REQUIRE(json::accept(wire::write_error(1, -32700, "\xc3(", "\xed\xa0\x80")));
    const auto refused = read_request("{\"id\":\"a\",\xff");
    REQUIRE(json::parse(wire::write_error(std::get<Refusal>(refused)))["id"] == "a");
}

}  // namespace request_test
