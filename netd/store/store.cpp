// Which document is where, and how the running definitions grow by deltas between two whole writings.
#include "netd/store/store.hpp"

#include "netd/wire/entry.hpp"
#include "netd/wire/write_state.hpp"

#include <cstdio>
#include <fstream>

namespace store {

using nlohmann::json;

namespace {

constexpr const char* committed_name = "state";
constexpr const char* running_name = "running";
constexpr const char* journal_name = "transaction";
constexpr const char* ended_name = "ended";
constexpr const char* leftovers_name = "leftovers";

// Our own files may be larger than a client's message, and are checked by their sum, so plain parsing is enough.
Result<json> parse_json(const std::string& where, std::string_view text) {
    json value = json::parse(text, nullptr, false);
    if (value.is_discarded()) return Error{Fault::backend, where, "is not JSON although its checksum fits"};
    return value;
}

json write_identities(const intent::Identities& identities) {
    json value = json::object();
    for (const auto& [nic, identity] : identities) value[nic.text()] = {{"mac", identity.mac ? identity.mac->text() : ""}, {"bus", identity.bus}};
    return value;
}

// One that can't be read is one that is not known: its NIC is then known by its name.
intent::Identities read_identities(const json& value) {
    intent::Identities identities;
    if (!value.is_object()) return identities;
    for (const auto& [nic, told] : value.items()) {
        if (!told.is_object()) continue;
        intent::Identity identity{{}, told.value("bus", "")};
        if (auto mac = topology::Mac::parse(told.value("mac", ""))) identity.mac = *mac;
        identities.emplace(topology::IfName::observed(nic), identity);
    }
    return identities;
}

Result<Kept> read_kept(const std::string& name, const Document& document) {
    auto value = parse_json(name, document.body);
    if (!value) return value.error();
    auto intent = wire::read_intent(*value);
    if (!intent) return topology::about(name, intent.error());
    Kept kept{std::move(*intent), document.generation, document.fell_back};
    kept.identities = read_identities(value->value("identities", json::object()));
    return kept;
}

Understand read_into(std::optional<Kept>& kept) {
    return [&kept](const Document& document) -> Result<> {
        auto read = read_kept(committed_name, document);
        if (!read) return Error{Fault::backend, committed_name, "can't be understood: " + read.error().what};
        kept = std::move(*read);
        return {};
    };
}

std::string write_entry(const Entry& entry) {
    wire::Entry text;
    text.put("id", entry.id);
    text.put("base", entry.base_generation);
    text.put("boot", entry.boot);
    text.put("phase", entry.phase == Entry::Phase::waiting ? "waiting" : "applying");
    text.put("deadline", entry.deadline.count());
    text.put("commit", entry.commit);
    text.put("remote", entry.is_remote);
    text.put("awaited", json(entry.awaited));
    text.put("confirmed", entry.is_confirmed);
    text.put("before", wire::write_state(entry.before));
    text.put("wanted", wire::write_state(entry.wanted));
    text.put_written("delta", entry.delta_text());
    return text.text();
}

Result<Entry> read_entry(const json& value) {
    Entry entry;
    entry.id = value.value("id", std::uint64_t{0});
    entry.base_generation = value.value("base", std::uint64_t{0});
    entry.boot = value.value("boot", "");
    entry.phase = value.value("phase", "") == "waiting" ? Entry::Phase::waiting : Entry::Phase::applying;
    entry.deadline = std::chrono::nanoseconds(value.value("deadline", std::int64_t{0}));
    entry.commit = value.value("commit", false);
    entry.is_remote = value.value("remote", false);
    entry.awaited = value.value("awaited", std::set<std::string>());
    entry.is_confirmed = value.value("confirmed", false);
    auto before = wire::read_state(value.value("before", json()));
    auto wanted = wire::read_state(value.value("wanted", json()));
    auto delta = wire::read_delta(value.value("delta", json()));
    if (!before) return topology::about("before", before.error());
    if (!wanted) return topology::about("wanted", wanted.error());
    if (!delta) return topology::about("delta", delta.error());
    entry.before = std::move(*before);
    entry.wanted = std::move(*wanted);
    entry.delta = std::move(*delta);
    return entry;
}

}  // namespace

const std::string& Entry::delta_text() const {
    if (delta_text_made.empty()) delta_text_made = wire::write_delta(delta);
    return delta_text_made;
}

lower::Scope Entry::scope() const {
    lower::Scope scope;
    scope.include(before);
    scope.include(wanted);
    return scope;
}

Result<Store> Store::open(std::string state, std::string run) {
    if (auto made = make_directory(state, 0700); !made) return made.error();
    if (auto made = make_directory(run, 0750); !made) return made.error();
    return Store(std::move(state), std::move(run));
}

Result<std::optional<Kept>> Store::committed() const {
    std::optional<Kept> kept;
    auto document = read_newest(state_, committed_name, read_into(kept));
    if (!document) return document.error();
    if (*document) kept->fell_back = (*document)->fell_back;
    return kept;
}

void Store::set_damaged_aside() const {
    std::optional<Kept> kept;
    if (!is_damaged(state_, committed_name, read_into(kept))) return;
    const std::string path = state_ + "/" + committed_name;
    std::rename(path.c_str(), (path + ".damaged").c_str());
}

Result<std::optional<Kept>> Store::running() const {
    auto document = read_document(run_, running_name);
    if (!document) return document.error();
    if (!*document) return std::optional<Kept>();
    const std::string where = run_ + "/" + running_name;
    auto kept = read_kept(where, **document);
    if (!kept) return kept.error();
    auto appended = read_appended(run_, running_name);
    if (!appended) return appended.error();
    kept->lacks_changes = appended->is_damaged;
    std::string_view rest = appended->lines;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        auto value = parse_json(where, rest.substr(0, end));
        rest.remove_prefix(end + 1);
        if (!value) return value.error();
        auto delta = wire::read_delta(value->value("delta", json()));
        if (!delta) return topology::about(where, delta.error());
        kept->intent = intent::with(std::move(kept->intent), *delta);
        kept->generation = value->value("generation", kept->generation);
        for (auto& [nic, identity] : read_identities(value->value("identities", json::object()))) kept->identities.insert_or_assign(nic, identity);
    }
    return std::optional(std::move(*kept));
}

namespace {

Document committed_document(const Kept& kept) {
    json definitions = wire::write_intent(kept.intent);
    definitions["nics"] = json::array();  // guests do not outlive a boot
    definitions["identities"] = write_identities(kept.identities);
    return {kept.generation, wire::dump(definitions)};
}

}  // namespace

Result<Prepared> Store::prepare_committed(const Kept& kept) const { return write_beside(state_, committed_name, committed_document(kept), Durable::yes); }

Result<> Store::keep_running(const Running& running, const intent::Delta& delta) { return keep_running(running, Entry{.delta = delta}); }

Result<> Store::keep_running(const Running& running, const Entry& entry) {
    if (appended_ < most_appended) {
        wire::Entry text;
        text.put("generation", running.generation);
        text.put_written("delta", entry.delta_text());
        text.put("identities", write_identities(intent::known_of(entry.delta, running.identities)));
        const std::string line = text.text();
        ++appended_;
        appended_bytes_ += line.size();
        if (appended_bytes_ < most_appended_bytes && append_line(run_, running_name, line)) return {};
    }  // a line that could not be added is made up for by a whole writing
    return keep_running(running);
}

Result<> Store::keep_running(const Running& running) {
    json definitions = wire::write_intent(running.intent);
    definitions["identities"] = write_identities(running.identities);
    auto written = write_document(run_, running_name, {running.generation, wire::dump(definitions)}, Durable::no);
    appended_bytes_ = 0;
    appended_ = written ? 0 : most_appended;  // what is missing is no line of the next one
    return written;
}

namespace {

// A journal of another boot is void: what survives netd's own death is enough. Definitions are written to the disk all the same, so that
// one that is full or read-only refuses before anything is touched.
bool is_for_this_boot(const Entry& entry) { return entry.delta.networks.empty() && entry.delta.bonds.empty(); }

Document journal_of(const Entry& entry) { return {entry.id, write_entry(entry)}; }

// None if it is over.
Result<std::optional<Entry>> read_journal(const std::string& directory, std::uint64_t last_ended) {
    auto document = read_document(directory, journal_name);
    if (!document) return document.error();
    if (!*document) return std::optional<Entry>();
    auto value = parse_json(journal_name, (*document)->body);
    if (!value) return value.error();
    auto entry = read_entry(*value);
    if (!entry) return topology::about(journal_name, entry.error());
    if (entry->boot == boot_id() && entry->id <= last_ended) return std::optional<Entry>();
    return std::optional(std::move(*entry));
}

}  // namespace

Result<> Store::begin(const Entry& entry) {
    const bool brief = is_for_this_boot(entry);
    const Document journal = journal_of(entry);
    const bool begins = !brief && entry.phase != Entry::Phase::waiting;
    // What runs then is less than the journal, which has it in it, and is refused before anything is touched.
    if (begins)
        if (auto room = make_room_for_line(run_, running_name, journal.body.size()); !room) return room;
    return write_document(brief ? run_ : state_, journal_name, journal, Durable::no);
}

Result<> Store::take_back(const Entry& entry) { return write_document(run_, journal_name, journal_of(entry), Durable::no); }

Result<std::optional<Entry>> Store::open_entry() const {
    const auto ended = read_document(run_, ended_name);
    const std::uint64_t last_ended = ended && *ended ? (*ended)->generation : 0;
    auto brief = read_journal(run_, last_ended);
    if (!brief) return brief;
    auto kept = read_journal(state_, last_ended);
    if (!kept || !*brief) return kept;
    return *kept && (*kept)->boot == (*brief)->boot && (*kept)->id > (*brief)->id ? kept : brief;
}

// The one in /run goes last: it may say what the other one doesn't, that the change is being taken back.
Result<> Store::end(std::optional<std::uint64_t> id) {
    auto kept = remove_document(state_, journal_name);
    if (!kept && id)
        if (auto noted = write_document(run_, ended_name, {*id, ""}, Durable::no); !noted) return kept;
    auto brief = remove_document(run_, journal_name);
    return kept ? brief : kept;
}

void Store::note_leftovers(bool are_due) {
    std::ignore = are_due ? write_document(run_, leftovers_name, {}, Durable::no) : remove_document(run_, leftovers_name);
}

bool Store::are_leftovers_due() const {
    const auto noted = read_document(run_, leftovers_name);
    return noted && *noted;
}

const std::string& boot_id() {
    static const std::string id = [] {
        std::ifstream file("/proc/sys/kernel/random/boot_id");
        std::string line;
        std::getline(file, line);
        return line;
    }();
    return id;
}

}  // namespace store
