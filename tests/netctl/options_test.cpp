// What a command line says, and what it leaves to the file.
#include "netctl/options.hpp"

#include <catch2/catch.hpp>

namespace netctl_options_test {

using namespace netctl;

namespace {

Apply apply_of(std::vector<const char*> words) {
    words.insert(words.begin(), {"netctl", "apply", "-f", "host.json"});
    const auto read = read_options(static_cast<int>(words.size()), words.data());
    REQUIRE(std::holds_alternative<Invocation>(read));
    return std::get<Apply>(std::get<Invocation>(read).verb);
}

}  // namespace

TEST_CASE("what becomes of a change is left to the file unless the command line says so, and the last word there counts", "[options]") {
    REQUIRE(apply_of({}).commit == std::nullopt);
    REQUIRE(apply_of({}).confirm_within == std::nullopt);
    REQUIRE(apply_of({"--commit"}).commit == true);
    REQUIRE(apply_of({"--no-commit"}).commit == false);
    REQUIRE(apply_of({"--no-commit", "--commit"}).commit == true);
    REQUIRE(apply_of({"--commit", "--no-commit"}).commit == false);
    REQUIRE(apply_of({"--confirm-within", "5"}).confirm_within == milliseconds(5000));
}

TEST_CASE("try may come without a command, and what comes after the two dashes is all the command's", "[options]") {
    const auto command_of = [](std::vector<const char*> words) {
        words.insert(words.begin(), {"netctl", "try", "-f", "host.json"});
        const auto read = read_options(static_cast<int>(words.size()), words.data());
        REQUIRE(std::holds_alternative<Invocation>(read));
        return std::get<Try>(std::get<Invocation>(read).verb).command;
    };
    REQUIRE(command_of({}).empty());
    REQUIRE(command_of({"--", "ping", "-c", "1", "-w", "30"}) == std::vector<std::string>{"ping", "-c", "1", "-w", "30"});
}

}  // namespace netctl_options_test
