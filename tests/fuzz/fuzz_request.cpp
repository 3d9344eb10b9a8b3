// Whatever bytes come in, the decoder gives a request or a refusal, and either can be written out again.
//
// Live: clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I. tests/fuzz/fuzz_request.cpp netd/wire/json.cpp
// netd/wire/request.cpp -o fuzz_request && ./fuzz_request tests/fuzz/corpus/request
// In the unit suite the same function is run over the corpus (tests/netd/fuzz_replay_test.cpp).
#include "netd/wire/request.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto read = wire::read_request(text);
    const auto demand = [](bool kept) {
        if (!kept) std::abort();
    };
    if (const auto* refusal = std::get_if<wire::Refusal>(&read)) {
        demand(refusal->code < 0 && refusal->data.size() == 1);
        demand(nlohmann::json::accept(wire::write_error(*refusal)));
        return 0;
    }
    const auto& request = std::get<wire::Request>(read);
    demand(request.params.is_object() && !request.method.empty());
    demand(nlohmann::json::accept(wire::write_result(request.id, request.params)));

    // What was accepted says the same when it is said again.
    const nlohmann::json again{{"jsonrpc", "2.0"}, {"id", request.id}, {"method", request.method}, {"params", request.params}};
    const auto twice = wire::read_request(wire::dump(again));
    demand(std::holds_alternative<wire::Request>(twice) && std::get<wire::Request>(twice) == request);
    return 0;
}
