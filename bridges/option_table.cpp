// See option_table.hpp.
#include "bridges/option_table.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_bridge.h>

#include <charconv>

namespace bridges {

using topology::Error;
using topology::Fault;
using topology::Result;

namespace {

Error illegal(const OptionRow& row, std::string_view text, std::string_view legal) {
    return {Fault::invalid, std::string(row.name), fmt::format("{} cannot be \"{}\": it is {}", row.name, text, legal)};
}

std::string legal_names(const OptionRow& row) {
    std::string all;
    for (const auto& [name, number] : row.names) all += fmt::format("{}{} ({})", all.empty() ? "" : ", ", name, number);
    return "one of " + all;
}

std::string legal_numbers(const OptionRow& row, std::uint64_t low, std::uint64_t high) {
    std::string all = fmt::format("a number from {} to {}", low, high);
    for (const auto& [word, number] : row.words) all += fmt::format(", or {} ({})", word, number);
    return all;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if (hexadecimal) text.remove_prefix(2);
    std::uint64_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number, hexadecimal ? 16 : 10);
    if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string number_text(const OptionRow& row, std::uint64_t number) {
    for (const auto& known : row.names) {
        if (known.number == number) return std::string(known.name);
    }
    if (row.hexadecimal && number) return fmt::format("{:#x}", number);
    return std::to_string(number);
}

// The number that canonical text stands for.
std::uint64_t number_of(const OptionRow& row, std::string_view text) {
    for (const auto& known : row.names) {
        if (known.name == text) return known.number;
    }
    return number_in(text).value_or(0);
}

std::vector<std::string> split(std::string_view text, std::string_view separators) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(separators), text.size());
        if (end > 0) words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

Result<std::string> canonical_list(const OptionRow& row, std::string_view text) {
    constexpr std::size_t most = 16;  // BOND_MAX_ARP_TARGETS
    std::string all;
    const auto words = split(text, ",");
    for (const std::string& word : words) {
        const auto address = topology::IpAddress::parse(word);
        if (!address || address->is_v6() != (row.form == Form::v6_list)) {
            return illegal(row, text, row.form == Form::v6_list ? "IPv6 addresses, separated by commas"
                                                                : "IPv4 addresses, separated by commas");
        }
        if (("," + all + ",").find("," + address->text() + ",") != std::string::npos) return illegal(row, text, "each address once");
        all += (all.empty() ? "" : ",") + address->text();
    }
    if (words.size() > most) return illegal(row, text, "at most 16 addresses");
    return all;
}

Result<std::string> canonical_link(const OptionRow& row, std::string_view text) {
    if (text.empty() || text == "none") return std::string();
    const auto name = IfName::parse(text);
    if (!name) return illegal(row, text, "the name of a port, or empty");
    return name->text();
}

template <class Number>
void put_number(Message& message, const OptionRow& row, const std::string& text) {
    message.number(row.attribute, static_cast<Number>(number_of(row, text)));
}

void put_list(Message& message, const OptionRow& row, const std::string& text) {
    // libnl leaves out a nest with nothing in it, which is what empties the kernel's list.
    if (text.empty()) return message.bytes(row.attribute, nullptr, 0);
    message.nest(row.attribute, [&] {
        int place = 0;
        for (const std::string& word : split(text, ",")) {
            const auto address = topology::IpAddress::parse(word);
            if (address) message.bytes(place++, address->data(), address->size());
        }
    });
}

std::string list_text(const OptionRow& row, Bytes nest) {
    std::string all;
    Attributes::each(nest, [&](int, const nlattr* attribute) {
        const auto add = [&](const topology::IpAddress& address) { all += (all.empty() ? "" : ",") + address.text(); };
        if (row.form == Form::v4_list) {
            if (auto bytes = Attributes::value<std::array<std::uint8_t, 4>>(attribute)) add(topology::IpAddress::v4(*bytes));
        } else {
            if (auto bytes = Attributes::value<std::array<std::uint8_t, 16>>(attribute)) add(topology::IpAddress::v6(*bytes));
        }
    });
    return all;
}

template <class Number>
std::optional<std::string> read_number(const Attributes& attributes, const OptionRow& row) {
    const auto number = attributes.get<Number>(row.attribute);
    if (!number) return std::nullopt;
    return number_text(row, *number);
}

std::optional<std::string> read_mac(const Attributes& attributes, const OptionRow& row) {
    const auto bytes = attributes.get<Mac::Bytes>(row.attribute);
    if (!bytes) return std::nullopt;
    return Mac::of(*bytes).text();
}

std::optional<std::string> read_bit(const Attributes& attributes, const OptionRow& row) {
    const auto bits = attributes.get<br_boolopt_multi>(row.attribute);
    if (!bits || !(bits->optmask >> row.low & 1)) return std::nullopt;
    return std::string(bits->optval >> row.low & 1 ? "1" : "0");
}

}  // namespace

Result<std::string> canonical(const OptionRow& row, std::string_view text) {
    if (row.form == Form::mac) {
        const auto mac = Mac::parse(text);
        if (!mac) return illegal(row, text, "a MAC address");
        return mac->text();
    }
    if (row.form == Form::v4_list || row.form == Form::v6_list) return canonical_list(row, text);
    if (row.form == Form::link) return canonical_link(row, text);
    for (const auto& [name, number] : row.names) {
        if (name == text || std::to_string(number) == text) return std::string(name);
    }
    if (!row.names.empty()) return illegal(row, text, legal_names(row));
    for (const auto& [word, number] : row.words) {
        if (word == text) return number_text(row, number);
    }
    const std::uint64_t low = row.form == Form::bit ? 0 : row.low, high = row.form == Form::bit ? 1 : row.high;
    const auto number = number_in(text);
    if (!number || *number < low || *number > high) {
        return illegal(row, text, legal_numbers(row, low, high));
    }
    return number_text(row, *number);
}

void put_option(Message& message, const OptionRow& row, const std::string& text, const IndexOf& index_of) {
    switch (row.form) {
        case Form::u8: return put_number<std::uint8_t>(message, row, text);
        case Form::u16: return put_number<std::uint16_t>(message, row, text);
        case Form::u32: return put_number<std::uint32_t>(message, row, text);
        case Form::u64: return put_number<std::uint64_t>(message, row, text);
        case Form::be16: return message.number(row.attribute, htons(static_cast<std::uint16_t>(number_of(row, text))));
        case Form::v4_list:
        case Form::v6_list: return put_list(message, row, text);
        case Form::link: return message.number(row.attribute, static_cast<std::uint32_t>(text.empty() ? 0 : index_of(text)));
        case Form::bit: return;
        case Form::mac:
            if (const auto mac = Mac::parse(text)) message.bytes(row.attribute, mac->bytes().data(), 6);
            return;
    }
}

std::optional<std::string> read_option(const Attributes& attributes, const OptionRow& row, const NameOf& name_of) {
    switch (row.form) {
        case Form::u8: return read_number<std::uint8_t>(attributes, row);
        case Form::u16: return read_number<std::uint16_t>(attributes, row);
        case Form::u32: return read_number<std::uint32_t>(attributes, row);
        case Form::u64: return read_number<std::uint64_t>(attributes, row);
        case Form::mac: return read_mac(attributes, row);
        case Form::bit: return read_bit(attributes, row);
        case Form::link: return name_of(attributes.get<int>(row.attribute).value_or(0));
        case Form::v4_list:
        case Form::v6_list: return list_text(row, attributes.nest(row.attribute));
        case Form::be16:
            if (const auto number = attributes.get<std::uint16_t>(row.attribute)) return number_text(row, ntohs(*number));
            return std::nullopt;
    }
    return std::nullopt;
}

Result<std::vector<std::pair<std::string, std::string>>> split_options(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> options;
    for (const std::string& word : split(text, " \t\n")) {
        const auto sign = word.find('=');
        if (sign == std::string::npos || sign == 0) {
            return Error{Fault::invalid, word, fmt::format("\"{}\" is not of the form key=value", word)};
        }
        options.emplace_back(word.substr(0, sign), word.substr(sign + 1));
    }
    return options;
}

}  // namespace bridges
