// What a start finds on disk: an open transaction, definitions that ran, or only those that were committed before a boot.
#include "bridges/bus.hpp"
#include "netd/apply/transaction.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace apply {
namespace {

constexpr std::string_view lost_running = "the committed definitions hold, as after a boot, and a change that was open is taken back";

}  // namespace

void Transactor::note_damage(Error error, std::string_view consequence) {
    error.what += fmt::format(": {}", consequence);
    damages_.push_back(std::move(error));
}

std::optional<Error> Transactor::trouble() const {
    for (const auto* one : {&trouble_, &unkept_, &uncommitted_})
        if (*one) return *one;
    if (boot_trouble_ || damages_.empty()) return boot_trouble_;
    Error all = damages_.front();
    for (auto other = damages_.begin() + 1; other != damages_.end(); ++other) all.what += "; " + sentence(*other);
    return all;
}

void Transactor::load(store::Remembered& remembered) {
    const auto take = [&](Result<std::optional<store::Kept>> kept, std::string_view consequence) -> std::optional<store::Kept> {
        if (!kept) {
            note_damage(kept.error(), consequence);
        } else if (*kept && (*kept)->fell_back) {
            note_damage({Fault::backend, store_.state_directory() + "/state", "is damaged or gone"}, "state.prev is used, which has what was committed before");
            store_.set_damaged_aside();
        }
        return kept ? *kept : std::nullopt;
    };
    if (auto kept = take(std::move(remembered.committed), "nothing is committed as far as netd knows, and nothing comes back at a boot")) {
        has_committed_ = true;
        committed_ = std::move(kept->intent);
        generation_ = kept->generation;
        identities_ = committed_identities_ = std::move(kept->identities);
    }
    intent::Identities met = identities_;
    if (auto kept = take(std::move(remembered.running), lost_running)) {
        if (kept->lacks_changes) note_damage({Fault::backend, store_.run_directory() + "/running", "has a damaged line"}, "the changes from there on are forgotten, and what they made is nobody's; see netctl diff");
        running_ = std::move(kept->intent);
        generation_ = std::max(generation_, kept->generation);
        has_run_in_this_boot_ = true;
        if (!kept->identities.empty()) met = std::move(kept->identities);
    }
    take_names_of_now(met);
}

// Either file has names of its own time, and what was known of the cards that had them; from here on all have those of now.
void Transactor::take_names_of_now(const intent::Identities& met) {
    const bridges::State& kernel = backends_.kernel.state();
    const intent::Renames running = intent::renames(running_, intent::beside(met, identities_), kernel, bridges::bus_of);
    const intent::Renames committed = intent::renames(committed_, intent::beside(identities_, met), kernel, bridges::bus_of);
    renames_ = committed;
    for (const auto& one : running)
        if (!identities_.contains(one.first)) renames_.insert(one);
    intent::Identities known = intent::moved(intent::known_of(intent::difference({}, running_), met), running);
    known.merge(intent::moved(identities_, committed));
    identities_ = std::move(known);
    committed_ = intent::renamed(committed_, committed);
    rename_running(running);
}

bool Transactor::follow_names() {
    if (open_) return false;
    const bridges::State& kernel = backends_.kernel.state();
    const intent::Renames running = intent::renames(running_, identities_, kernel, bridges::bus_of), committed = intent::renames(committed_, identities_, kernel, bridges::bus_of);
    if (running.empty() && committed.empty()) return false;
    intent::Renames all = running;
    all.insert(committed.begin(), committed.end());
    renames_ = intent::chained(std::move(renames_), all);
    identities_ = intent::moved(identities_, all);
    committed_ = intent::renamed(committed_, committed);
    rename_running(running);
    return true;
}

// The committed file keeps its names, and tells by them after each start what was called how, until something is committed.
void Transactor::rename_running(const intent::Renames& renames) {
    if (renames.empty()) return;
    running_ = intent::renamed(running_, renames);
    if (!has_run_in_this_boot_) return;
    if (auto kept = store_.keep_running({running_, generation_, identities_}); !kept) unkept_ = kept.error();
}

Outcome Transactor::recover(std::optional<store::Remembered> read_already) {
    store::Remembered remembered = read_already ? std::move(*read_already) : store_.remembered();
    auto& entry = remembered.open_entry;
    // What ran when the change began: of a file that was cut short the first changes may be left.
    const auto& ran = remembered.running;
    const bool knows_base = entry && *entry && ran && *ran && (*ran)->generation >= (*entry)->base_generation;
    load(remembered);
    leftovers_due_ = store_.are_leftovers_due();
    if (!damages_.empty()) set_leftovers_due(false);  // not for the next start either, which finds no damage any more
    if (!entry && has_run_in_this_boot_) {
        note_damage(entry.error(), "the change that was open can't be taken back");
        return RolledBack{entry.error()};
    }
    // Without a run, whatever it was about, this boot has not seen it: a power cut may leave half of it.
    if (!entry) {
        end_journal({});
        return bring_back();
    }
    if (*entry && (*entry)->boot == store::boot_id()) return knows_base ? take_up(std::move(**entry)) : begin_anew(std::move(**entry));
    // Of another boot: the kernel has forgotten both what was and what was to be.
    if (*entry) end_journal({});
    return has_run_in_this_boot_ ? Outcome(Committed{false}) : bring_back();
}

Outcome Transactor::take_up(store::Entry entry) {
    open_ = std::move(entry);
    number_ = open_->id;
    if (generation_ > open_->base_generation) return decided();  // only its end was missing
    if (open_->phase == store::Entry::Phase::waiting && open_->deadline > clock_.boottime()) {
        standing_ = intent::with(running_, open_->delta);
        Outcome waits = wait();
        was_taken_up_ = true;
        is_in_doubt_ = !still_stands();
        return waits;
    }
    const char* why = open_->phase == store::Entry::Phase::waiting ? "nobody confirmed it in time" : "netd ended before it was done";
    return undo({Fault::timeout, fmt::format("transaction {}", open_->id), why});
}

// Every start writes what runs, so that in this boot it was written, and is lost: what the change was made beside, and with it what
// a confirmation would keep, nobody knows any more.
Outcome Transactor::begin_anew(store::Entry entry) {
    const std::string file = store_.run_directory() + "/running";
    const bool is_told = std::ranges::any_of(damages_, [&](const Error& damage) { return damage.subject == file; });
    if (!is_told) note_damage({Fault::backend, file, "is gone or cut short"}, lost_running);
    open_ = std::move(entry);
    number_ = open_->id;
    Outcome back = undo({Fault::lost_sync, fmt::format("transaction {}", open_->id), "what ran before it is lost, so it could not be kept"});
    if (!stuck_) {
        Outcome brought = bring_back();
        return std::holds_alternative<Degraded>(brought) ? brought : back;
    }
    // Written down when it is back: until then the journal would be taken for one that is decided.
    running_ = committed_;
    has_run_in_this_boot_ = true;
    unkept_ = damages_.back();
    return back;
}

}  // namespace apply
