// What netd remembers: the committed definitions over boots, the running ones over restarts, the open transaction over
// whatever dies.
#pragma once

#include "netd/intent/identity.hpp"
#include "netd/intent/intent.hpp"
#include "netd/lower/host_state.hpp"
#include "netd/store/files.hpp"

#include <chrono>
#include <set>

namespace store {

// Definitions with the generation in which they were written.
struct Kept {
    intent::Intent intent = {};
    std::uint64_t generation = 0;
    bool fell_back = false;
    intent::Identities identities = {};        // of the NICs that they name
    bool lacks_changes = false;                // of the running ones: the lines from a damaged one on
};

// What runs, to be written down.
struct Running {
    const intent::Intent& intent;
    std::uint64_t generation;
    const intent::Identities& identities;  // of its NICs at least
};

// An open transaction: enough to bring back what was before, or to go on waiting for the confirmation.
struct Entry {
    enum class Phase { applying, waiting };
    std::uint64_t id = 0;
    std::uint64_t base_generation = 0;         // of the running definitions before it
    std::string boot = {};                     // deadlines of another boot mean nothing
    Phase phase = Phase::applying;
    std::chrono::nanoseconds deadline = {};    // CLOCK_BOOTTIME; of the confirmation
    bool commit = false;                       // to be made the committed definitions as well
    bool is_remote = false;                    // asked for over TCP, and to be confirmed that way
    std::set<std::string> awaited = {};        // keys of leases without which it does not end well
    bool is_confirmed = false;                 // and nothing else is waited for
    lower::HostState before = {};              // of everything in the scope
    lower::HostState wanted = {};              // its keys, with those of `before`, are the scope
    intent::Delta delta = {};
    mutable std::string delta_text_made = {};
    // The delta as it is written, made when it is first asked for: of thousands of definitions that takes longer than all else here.
    const std::string& delta_text() const;

    lower::Scope scope() const;
};

// All that a start finds. Of the definitions nullopt: never written. An error: there is something, and none of it is valid.
struct Remembered {
    Result<std::optional<Kept>> committed, running;
    Result<std::optional<Entry>> open_entry;
};

class Store {
public:
    // `state` survives a boot (/var/lib/netd), `run` a restart (/run/netd). Both are made if they are not there.
    static Result<Store> open(std::string state, std::string run);

    // As in Remembered.
    Result<std::optional<Kept>> committed() const;
    Result<std::optional<Kept>> running() const;
    Remembered remembered() const { return {committed(), running(), open_entry()}; }

    // Damaged committed definitions become `state.damaged`: the next ones then leave `state.prev` alone until they are in place.
    void set_damaged_aside() const;

    // They are the committed definitions once they are put in place.
    Result<Prepared> prepare_committed(const Kept& kept) const;

    // The delta is what changed since the last call, so that a small change to many definitions is a small write.
    Result<> keep_running(const Running& running, const intent::Delta& delta);
    Result<> keep_running(const Running& running, const Entry& entry);
    // All of it: where NICs have other names than in what was written before.
    Result<> keep_running(const Running& running);

    // Before anything is touched. A disk without room says so, but for changes of guests' NICs alone and repairs, which need none.
    Result<> begin(const Entry& entry);
    // That the change is being taken back: open_entry() then gives it as it is given here. On no disk, which may have no room or be
    // read-only by now.
    Result<> take_back(const Entry& entry);
    Result<std::optional<Entry>> open_entry() const;

    // It is over, also where it can't be removed: then it is noted, for this boot, that the transactions up to this one are, if one is given.
    Result<> end(std::optional<std::uint64_t> id);

    // That what Open vSwitch has kept over the boot is still to be looked through: known in this boot though netd dies meanwhile, where /run
    // has room for it.
    void note_leftovers(bool are_due);
    bool are_leftovers_due() const;

    const std::string& state_directory() const { return state_; }
    const std::string& run_directory() const { return run_; }

private:
    Store(std::string state, std::string run) : state_(std::move(state)), run_(std::move(run)) {}
    std::string state_, run_;
    std::size_t appended_ = most_appended, appended_bytes_ = 0;  // the first write of a run is a whole one
    static constexpr std::size_t most_appended = 512, most_appended_bytes = std::size_t{4} << 20;
};

// Of this boot, from the kernel: tells whether what we remember of the kernel's state can still be true.
const std::string& boot_id();

}  // namespace store
