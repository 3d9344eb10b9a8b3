// The way out: data goes to standard output, words to standard error, colour only where a person looks.
#pragma once

#include "netctl/trouble.hpp"

#include <cstddef>
#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netctl {

enum class ColorChoice { automatic, always, never };

// What a colour means; the words say it too, so that colour is never alone.
enum class Tone { plain, good, warning, bad, dim, strong };

struct Cell {
    std::string text = {};
    Tone tone = Tone::plain;
};

struct Table {
    std::vector<std::string> heading = {};
    std::vector<std::vector<Cell>> rows = {};
    bool wraps = false;  // what people decide by has more lines rather than being cut
};

// Text in that tone for a terminal; the text itself where there is no colour.
std::string tinted(std::string_view text, Tone tone, bool color);

// The lines of a table. Every cell is made printable here, so no caller can forget it. With a width, lines are wrapped or cut
// to it, and a "…" says so; without, nothing is.
std::vector<std::string> draw(const Table& table, std::optional<std::size_t> width, bool color);

bool wants_color(ColorChoice choice, bool is_terminal);

// A complaint of who has no Screen yet.
void complain_of_usage(std::string_view text);

class Screen {
public:
    Screen(bool json, bool quiet, ColorChoice choice);

    bool wants_json() const { return json_; }
    bool has_color() const { return color_; }
    bool is_ascii() const { return ascii_; }
    std::optional<std::size_t> width() const { return width_; }

    // Data. The caller has made its text printable, table() does it itself. An empty table says `if_empty` as a word.
    void line(std::string_view text);
    void table(const Table& table, std::string_view if_empty);
    void document(const nlohmann::json& value);   // one, over as many lines as please a reader
    void json_line(const nlohmann::json& value);  // one of many
    std::string tint(std::string_view text, Tone tone) const { return tinted(text, tone, color_); }

    // Words: remarks are left out with --quiet, complaints never are.
    void remark(std::string_view text);
    void complain(std::string_view text);

    // Says it in words, and with --json also as a document. Returns its ending.
    Exit fail(const Trouble& trouble, const Source& source = {});

    // Everything that was written so far has left. No: the reader is gone, or the disk is full.
    bool flush();

private:
    void write(std::string_view text);

    bool json_, quiet_, out_is_terminal_, color_, error_color_, ascii_, error_ascii_;
    std::optional<std::size_t> width_ = {};
};

}  // namespace netctl
