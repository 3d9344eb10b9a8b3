// Every input that a fuzzer ever found interesting is tried again in each build, without a fuzzer.
#include <catch2/catch.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/fuzz/fuzz_request.cpp"

namespace fuzz_replay_test {

TEST_CASE("the request decoder survives its corpus, each file of it cut short anywhere, and each byte of it changed", "[fuzz]") {
    const auto run = [](const std::string& text) {
        REQUIRE(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()) == 0);
    };
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(NETD_SOURCE_DIR "/tests/fuzz/corpus/request")) {
        CAPTURE(entry.path());
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        run(text);
        for (std::size_t at = 0; at < text.size(); ++at) {
            run(text.substr(0, at));
            for (const char byte : {'\0', '"', '{', '9', '\xff'}) {
                auto changed = text;
                changed[at] = byte;
                run(changed);
            }
        }
        ++files;
    }
    REQUIRE(files >= 10);
}

}  // namespace fuzz_replay_test
