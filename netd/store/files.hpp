// Small documents on disk that are whole or not there: written beside, made durable, then put in place.
#pragma once

#include "netd/loop/fd.hpp"
#include "topology/result.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace store {

using topology::Error;
using topology::Fault;
using topology::Result;

// What a file says, with the generation that it was written as.
struct Document {
    std::uint64_t generation = 0;
    std::string body = {};
    bool fell_back = false;  // the newest file was damaged; this is the one before it
};

// yes: it outlives a power cut. no: it outlives us. A disk without room says so either way, when it is written or closed.
enum class Durable { yes, no };

// Writes DIR/NAME by way of DIR/.NAME.new: a first line with format, generation, length and SHA-256, then the body.
// With Durable::yes everything is fsynced, the directory too, and the last good version stays as DIR/NAME.prev.
// A "no" (disk full, read-only, fsync failed) leaves the old version in place; nothing is retried.
Result<> write_document(const std::string& directory, const std::string& name, const Document& document, Durable durable);

// The same in two steps: DIR/.NAME.new, which counts for nothing; and under its name. What may be refused is asked for in the first: room, a
// second name for the last good version, and the folder to be fsynced. In the second only the disk itself may fail.
struct Prepared {
    std::string directory, name;
    loop::Fd folder = {};  // with Durable::yes

    Result<> put_in_place() const;
};
Result<Prepared> write_beside(const std::string& directory, const std::string& name, const Document& document, Durable durable);

// nullopt if there is none. Fault::backend, and what is wrong with it, if there is one and it is not valid.
// Files over 64 MiB are refused: the file is input, too. Half of that is written, and the rest is for what is appended.
Result<std::optional<Document>> read_document(const std::string& directory, const std::string& name);

// Why a body whose sum fits says nothing all the same.
using Understand = std::function<Result<>(const Document&)>;

// The newest version that is valid and understood, of those that were written with Durable::yes. An error tells of each.
Result<std::optional<Document>> read_newest(const std::string& directory, const std::string& name, const Understand& understand);

// The newest version could be read, and is none, or is not understood.
bool is_damaged(const std::string& directory, const std::string& name, const Understand& understand);

// Gone, though a power cut may bring it back; success if it was not there.
Result<> remove_document(const std::string& directory, const std::string& name);

// One line more at the end of an existing document, with its own checksum. Not durable: for tmpfs.
Result<> append_line(const std::string& directory, const std::string& name, std::string_view line);

// Room for that: a line of so many bytes is not refused for want of it then. Success where there is no document, or a file system can't tell.
Result<> make_room_for_line(const std::string& directory, const std::string& name, std::size_t bytes);

// The lines before the first that is not whole. A crash leaves the last one without its end; whatever else is wrong is damage.
struct Appended {
    std::string lines = {};
    bool is_damaged = false;
};
Result<Appended> read_appended(const std::string& directory, const std::string& name);

// The whole of a file. Fault::not_found: there is none.
Result<std::string> read_file(const std::string& path);

// The whole of a small file that is no document; empty if there is none, or it can't be read.
std::string content_of(const std::string& path);

Result<> make_directory(const std::string& path, unsigned mode);

std::string sha256(std::string_view bytes);  // 64 hexadecimal digits

}  // namespace store
