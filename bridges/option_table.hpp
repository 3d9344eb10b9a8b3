// How the options of bridges and bonds are told: one row an option, used to check, to write and to read it.
#pragma once

#include "bridges/nl_message.hpp"
#include "bridges/resources.hpp"
#include "topology/result.hpp"

#include <functional>

namespace bridges {

enum class Form { u8, u16, u32, u64, be16, bit, mac, link, v4_list, v6_list };

struct NamedNumber {
    std::string_view name;
    std::uint64_t number;
};

struct OptionRow {
    std::string_view name;      // as under /sys/class/net/…/bridge or …/bonding
    int attribute;              // IFLA_BR_… or IFLA_BOND_…
    Form form;
    std::uint64_t low = 0, high = 0;
    std::string_view standard;  // the kernel's default, in canonical text
    std::span<const NamedNumber> names = {};
    bool hexadecimal = false;
    std::span<const NamedNumber> words = {};  // the kernel takes these too, and tells the number
};

// The option as the kernel's sysfs would say it ("slow" for "0", "0x8" for "8"), or why it can't be.
topology::Result<std::string> canonical(const OptionRow& row, std::string_view text);

using IndexOf = std::function<int(const std::string& link)>;  // 0 for none
using NameOf = std::function<std::string(int index)>;         // "" for none

// Writes one option; `text` is canonical. Options of form `bit` are gathered by the caller.
void put_option(Message& message, const OptionRow& row, const std::string& text, const IndexOf& index_of);

// The option in canonical text; none where the kernel does not tell it. A link is told by `name_of`.
std::optional<std::string> read_option(const Attributes& attributes, const OptionRow& row, const NameOf& name_of);

// "key=value key=value", split; a word without '=' is an error.
topology::Result<std::vector<std::pair<std::string, std::string>>> split_options(std::string_view text);

}  // namespace bridges
