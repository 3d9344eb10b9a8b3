// Draws tables and chooses colours; knows nothing of networks.
#include "netctl/screen.hpp"

#include "netctl/text.hpp"
#include "topology/terminal.hpp"
#include "topology/utf8.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

namespace netctl {

namespace {

using nlohmann::json;

constexpr std::size_t gap = 2;

std::optional<std::size_t> terminal_width() {
    winsize size = {};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
    return size.ws_col;
}

std::string_view begin_of(Tone tone) {
    switch (tone) {
        case Tone::plain: return "";
        case Tone::good: return "\033[32m";
        case Tone::warning: return "\033[33m";
        case Tone::bad: return "\033[31m";
        case Tone::dim: return "\033[2m";
        case Tone::strong: return "\033[1m";
    }
    return "";
}

std::vector<std::size_t> widths_of(const Table& table) {
    std::vector<std::size_t> widths;
    const auto widen = [&widths](std::size_t column, std::string_view text) {
        if (widths.size() <= column) widths.resize(column + 1);
        widths[column] = std::max(widths[column], topology::columns_of(text));
    };
    for (std::size_t column = 0; column < table.heading.size(); ++column) widen(column, table.heading[column]);
    for (const auto& row : table.rows)
        for (std::size_t column = 0; column < row.size(); ++column) widen(column, row[column].text);
    return widths;
}

Table printable_table(Table table) {
    for (auto& row : table.rows)
        for (auto& cell : row) cell.text = cell.text.empty() ? "-" : printable(cell.text);
    return table;
}

std::size_t begin_of_last(const std::vector<std::size_t>& widths) {
    std::size_t at = 0;
    for (std::size_t column = 0; column + 1 < widths.size(); ++column) at += widths[column] + gap;
    return at;
}

// Spaces come before the next cell, not after the last, so that no line ends in blanks. Where a column has no room at all, the
// last place of the line says that there is more.
std::string draw_row(const std::vector<Cell>& row, const std::vector<std::size_t>& widths, std::optional<std::size_t> width,
                     bool color) {
    const bool has_more = width && begin_of_last(widths) >= *width;
    if (has_more) --*width;
    std::string line;
    std::size_t at = 0, used = 0;
    for (std::size_t column = 0; column < row.size(); ++column) {
        if (width && at >= *width) break;
        line.append(at - used, ' ');
        const auto text = width ? topology::cut_to_columns(row[column].text, *width - at, has_more ? "" : "…") : row[column].text;
        line += tinted(text, row[column].tone, color);
        used = at + topology::columns_of(text);
        at += widths[column] + gap;
    }
    return has_more ? line + std::string(*width - used, ' ') + "…" : line;
}

// The last cell goes on below itself. Where the others leave it less than half of a line, each cell has lines of its own.
std::vector<std::string> wrap_row(std::vector<Cell> row, const std::vector<std::size_t>& widths, std::size_t width, bool color) {
    std::vector<std::string> lines;
    const auto at = begin_of_last(widths);
    if (at + widths.back() <= width || at <= width / 2) {
        const auto pieces = wrapped(row.back().text, width - at);
        row.back().text = pieces.front();
        lines.push_back(draw_row(row, widths, {}, color));
        for (auto piece = pieces.begin() + 1; piece != pieces.end(); ++piece) lines.push_back(std::string(at, ' ') + tinted(*piece, row.back().tone, color));
        return lines;
    }
    for (const auto& cell : row) {
        const bool is_first = lines.empty();
        const auto indent = is_first ? gap : 2 * gap;
        for (const auto& piece : wrapped(cell.text, width > indent ? width - indent : 0))
            lines.push_back(std::string(lines.empty() ? 0 : indent, ' ') + tinted(piece, cell.tone, color));
    }
    return lines;
}

// A terminal whose locale knows nothing but ASCII gets nothing else.
bool needs_ascii(bool is_terminal) {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (const char* value = std::getenv(name); value && *value) {
            const std::string_view locale = value;
            return is_terminal && (locale == "C" || locale == "POSIX");
        }
    return false;
}

std::string spelled(std::string_view text, bool ascii) { return ascii ? topology::in_ascii(text) : std::string(text); }

// ensure_ascii: a terminal obeys some control characters beyond ASCII, and JSON leaves those as they are.
std::string written(const json& value, int indent) {
    return value.dump(indent, ' ', true, json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string tinted(std::string_view text, Tone tone, bool color) {
    if (!color || tone == Tone::plain || text.empty()) return std::string(text);
    return fmt::format("{}{}\033[0m", begin_of(tone), text);
}

std::vector<std::string> draw(const Table& given, std::optional<std::size_t> width, bool color) {
    const auto table = printable_table(given);
    const auto widths = widths_of(table);
    std::vector<Cell> heading;
    for (const auto& text : table.heading) heading.push_back({text, Tone::strong});
    std::vector<std::string> lines;
    if (!heading.empty()) lines.push_back(draw_row(heading, widths, width, color));
    for (const auto& row : table.rows) {
        if (!table.wraps || !width) lines.push_back(draw_row(row, widths, width, color));
        else for (auto& line : wrap_row(row, widths, *width, color)) lines.push_back(std::move(line));
    }
    return lines;
}

bool wants_color(ColorChoice choice, bool is_terminal) {
    if (choice != ColorChoice::automatic) return choice == ColorChoice::always;
    const char* none = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    const bool dumb = !terminal || std::string_view(terminal) == "dumb";
    return is_terminal && !dumb && (!none || *none == '\0');
}

void complain_of_usage(std::string_view text) { fmt::print(stderr, "netctl: {}\n", spelled(text, needs_ascii(isatty(STDERR_FILENO) == 1))); }

Screen::Screen(bool json, bool quiet, ColorChoice choice)
    : json_(json), quiet_(quiet), out_is_terminal_(isatty(STDOUT_FILENO) == 1), color_(wants_color(choice, out_is_terminal_)),
      error_color_(wants_color(choice, isatty(STDERR_FILENO) == 1)), ascii_(needs_ascii(out_is_terminal_)),
      error_ascii_(needs_ascii(isatty(STDERR_FILENO) == 1)) {
    if (out_is_terminal_) width_ = terminal_width();
}

// Ignored results: flush() asks the stream about all of them at the end.
void Screen::write(std::string_view text) { (void)std::fwrite(text.data(), 1, text.size(), stdout); }

void Screen::line(std::string_view text) {
    write(spelled(text, ascii_));
    write("\n");
}

void Screen::table(const Table& given, std::string_view if_empty) {
    if (given.rows.empty()) return remark(if_empty);
    auto table = given;
    for (auto& row : table.rows)
        for (auto& cell : row) cell.text = spelled(cell.text, ascii_);  // before columns are as wide as it
    for (const auto& text : draw(table, width_, color_)) line(text);
}

void Screen::document(const json& value) { write(written(value, out_is_terminal_ ? 2 : -1)); }

void Screen::json_line(const json& value) {
    write(written(value, -1));
    (void)std::fflush(stdout);  // whoever follows wants it now; a failure is found by flush()
}

void Screen::remark(std::string_view text) {
    if (quiet_ || text.empty()) return;
    (void)std::fflush(stdout);  // so that the words come after the data that they are about
    fmt::print(stderr, "{}\n", spelled(text, error_ascii_));
}

void Screen::complain(std::string_view text) {
    (void)std::fflush(stdout);
    fmt::print(stderr, "{} {}\n", tinted("netctl:", Tone::bad, error_color_), spelled(text, error_ascii_));
}

Exit Screen::fail(const Trouble& trouble, const Source& source) {
    if (json_) document(netctl::document(trouble));
    for (const auto& text : explain(trouble, source)) complain(text);
    return trouble.exit;
}

bool Screen::flush() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

}  // namespace netctl
