// The order of calls is what makes it safe; each step says what would be lost without it.
#include "netd/store/files.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace store {
namespace {

constexpr std::size_t most_bytes = std::size_t{64} << 20;
constexpr std::string_view magic = "netd-document 1 ";

Error failed(const std::string& path, std::string_view deed) {
    return {Fault::backend, path, fmt::format("{}: {}", deed, std::strerror(errno))};
}

class File {
public:
    explicit File(int number) : number_(number) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (number_ >= 0) ::close(number_);
    }
    explicit operator bool() const { return number_ >= 0; }
    int number() const { return number_; }
    bool close() { return ::close(std::exchange(number_, -1)) == 0; }

private:
    int number_;
};

bool write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

// All of the first line but the sum itself.
std::string preface(const Document& document) { return fmt::format("{}generation={} bytes={}", magic, document.generation, document.body.size()); }

// Over the first line as well: another generation would be another story of what has been decided.
std::string sum_of(const Document& document) { return sha256(preface(document) + "\n" + document.body); }

std::string header(const Document& document) { return fmt::format("{} sha256={}\n", preface(document), sum_of(document)); }

Result<> write_bytes(const std::string& path, std::initializer_list<std::string_view> parts, Durable durable) {
    // A stale one is that of a run that died before its rename; nobody has seen it.
    ::unlink(path.c_str());
    File file{::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file) return failed(path, "can't be written");
    bool written = std::ranges::all_of(parts, [&](std::string_view bytes) { return write_all(file.number(), bytes); });
    // Without the fsync a power cut may leave an empty file under the final name.
    if (written && durable == Durable::yes) written = ::fsync(file.number()) == 0;
    if (written) written = file.close();
    if (written) return {};
    Error error = failed(path, "can't be written");
    ::unlink(path.c_str());
    return error;
}

Result<> write_new(const std::string& path, const Document& document, Durable durable) {
    if (document.body.size() > most_bytes / 2) return Error{Fault::invalid, path, "would be larger than what is read again"};
    return write_bytes(path, {header(document), document.body}, durable);
}

std::string beside(const std::string& directory, const std::string& name) { return directory + "/." + name + ".new"; }

}  // namespace

Result<std::string> read_file(const std::string& path) {
    File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!file) return Error{errno == ENOENT ? Fault::not_found : Fault::backend, path, fmt::format("can't be read: {}", std::strerror(errno))};
    std::string bytes;
    std::array<char, 65536> chunk;
    for (;;) {
        const ssize_t got = ::read(file.number(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(path, "can't be read");
        if (got == 0) return bytes;
        bytes.append(chunk.data(), static_cast<std::size_t>(got));
        if (bytes.size() > most_bytes) return Error{Fault::invalid, path, "is larger than anything netd writes"};
    }
}

namespace {

std::optional<std::uint64_t> number_after(std::string_view line, std::string_view key) {
    const auto at = line.find(key);
    if (at == std::string_view::npos) return std::nullopt;
    std::uint64_t number = 0;
    const char* from = line.data() + at + key.size();
    const auto [end, error] = std::from_chars(from, line.data() + line.size(), number);
    return error == std::errc() && end != from ? std::optional(number) : std::nullopt;
}

// The document and what was appended to it, or why the bytes are none.
Result<std::pair<Document, std::string>> parse(const std::string& path, const std::string& bytes) {
    const Error damaged{Fault::backend, path, "is damaged: its checksum does not fit"};
    const auto end = bytes.find('\n');
    if (end == std::string::npos || !bytes.starts_with(magic)) return damaged;
    const std::string_view line{bytes.data(), end};
    const auto generation = number_after(line, "generation=");
    const auto length = number_after(line, "bytes=");
    if (!generation || !length || *length > bytes.size() - end - 1) return damaged;
    Document document{*generation, bytes.substr(end + 1, *length)};
    if (std::string(line) + "\n" != header(document)) return damaged;
    return std::pair{document, bytes.substr(end + 1 + *length)};
}

// Where the file system has no hard links.
Result<> copy(const std::string& from, const std::string& to) {
    const auto bytes = read_file(from);
    return bytes ? write_bytes(to, {*bytes}, Durable::yes) : bytes.error();
}

// The version that holds gets a second name, if there is one; under ".prev" only when the next one takes its place.
Result<> link_previous(const std::string& path) {
    const std::string linked = path + ".prev.new";
    ::unlink(linked.c_str());
    if (::link(path.c_str(), linked.c_str()) == 0 || errno == ENOENT) return {};
    if (errno == EPERM || errno == EOPNOTSUPP) return copy(path, linked);
    return failed(path, "can't be kept as the previous version");
}

Result<> keep_previous(const std::string& path) {
    if (::rename((path + ".prev.new").c_str(), (path + ".prev").c_str()) == 0 || errno == ENOENT) return {};
    return failed(path, "can't be kept as the previous version");
}

}  // namespace

std::string sha256(std::string_view bytes) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> hash;
    crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    std::string text;
    for (const unsigned char byte : hash) text += fmt::format("{:02x}", byte);
    return text;
}

Result<Prepared> write_beside(const std::string& directory, const std::string& name, const Document& document, Durable durable) {
    if (auto written = write_new(beside(directory, name), document, durable); !written) return written.error();
    Prepared prepared{directory, name};
    if (durable == Durable::no) return prepared;
    prepared.folder = loop::Fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!prepared.folder) return failed(directory, "can't be made durable");
    if (auto linked = link_previous(directory + "/" + name); !linked) return linked.error();
    return prepared;
}

Result<> write_document(const std::string& directory, const std::string& name, const Document& document, Durable durable) {
    const auto prepared = write_beside(directory, name, document, durable);
    return prepared ? prepared->put_in_place() : prepared.error();
}

Result<> Prepared::put_in_place() const {
    const std::string path = directory + "/" + name;
    if (folder)
        if (auto kept = keep_previous(path); !kept) return kept;
    if (::rename(beside(directory, name).c_str(), path.c_str()) != 0) return failed(path, "can't be put in place");
    // The rename itself is only durable with its directory.
    if (folder && ::fsync(folder.number()) != 0) return failed(directory, "can't be made durable");
    return {};
}

namespace {

// One file of a document's, and what follows the body.
Result<std::pair<Document, std::string>> read_whole(const std::string& path) {
    auto bytes = read_file(path);
    if (!bytes) return bytes.error();
    return parse(path, *bytes);
}

}  // namespace

Result<std::optional<Document>> read_document(const std::string& directory, const std::string& name) {
    auto read = read_whole(directory + "/" + name);
    if (read) return std::optional(std::move(read->first));
    if (read.error().fault == Fault::not_found) return std::optional<Document>();
    return read.error();
}

bool is_damaged(const std::string& directory, const std::string& name, const Understand& understand) {
    const std::string path = directory + "/" + name;
    const auto bytes = read_file(path);
    if (!bytes) return false;
    const auto parsed = parse(path, *bytes);
    return !parsed || !understand(parsed->first);
}

Result<std::optional<Document>> read_newest(const std::string& directory, const std::string& name, const Understand& understand) {
    std::optional<Error> first;
    for (const char* suffix : {"", ".prev"}) {
        auto read = read_document(directory, name + suffix);
        if (read && !*read) continue;
        const auto understood = read ? understand(**read) : Result<>(read.error());
        if (understood) {
            (*read)->fell_back = *suffix != '\0';
            return read;
        }
        if (!first) first = Error{Fault::backend, directory + "/" + name, understood.error().what};
        else first->what += fmt::format("; {}{} {}", name, suffix, understood.error().what);
    }
    if (first) return *first;
    return std::optional<Document>();
}

Result<> remove_document(const std::string& directory, const std::string& name) {
    const std::string path = directory + "/" + name;
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    Error error = failed(path, "can't be removed");
    return ::access(path.c_str(), F_OK) == 0 ? Result<>(std::move(error)) : Result<>();  // a disk that can't be written says so of files that are not there
}

Result<> append_line(const std::string& directory, const std::string& name, std::string_view line) {
    const std::string path = directory + "/" + name;
    File file{::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)};
    if (!file) return failed(path, "can't be added to");
    const off_t before = ::lseek(file.number(), 0, SEEK_END);
    if (write_all(file.number(), fmt::format("{} {}\n", sha256(line), line))) return {};
    Error error = failed(path, "can't be added to");
    if (::ftruncate(file.number(), before) != 0) error.what += "; and it may end in half a line, which is passed over when it is read";
    return error;
}

Result<> make_room_for_line(const std::string& directory, const std::string& name, std::size_t bytes) {
    const std::string path = directory + "/" + name;
    File file{::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)};
    struct stat now = {};
    if (!file || ::fstat(file.number(), &now) != 0) return {};
    if (::fallocate(file.number(), FALLOC_FL_KEEP_SIZE, now.st_size, static_cast<off_t>(bytes)) == 0 || errno != ENOSPC) return {};
    return failed(path, "can't be added to");
}

Result<Appended> read_appended(const std::string& directory, const std::string& name) {
    auto read = read_whole(directory + "/" + name);
    if (!read) return read.error();
    // What follows a line that is not whole is a change of what nobody knows.
    Appended appended;
    std::string_view rest = read->second;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        if (end == std::string_view::npos) return appended;
        const std::string_view line = rest.substr(0, end);
        if (line.size() < 65 || line[64] != ' ' || line.substr(0, 64) != sha256(line.substr(65))) {
            appended.is_damaged = true;
            return appended;
        }
        appended.lines.append(line.substr(65)).push_back('\n');
        rest.remove_prefix(end + 1);
    }
    return appended;
}

std::string content_of(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

Result<> make_directory(const std::string& path, unsigned mode) {
    if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
    return failed(path, "can't be made");
}

}  // namespace store
