// One change of the host from asked to committed or back, so that whatever dies the host is as before or as asked.
#pragma once

#include "netd/apply/executor.hpp"
#include "netd/apply/settled.hpp"
#include "netd/loop/clock.hpp"
#include "netd/lower/attainable.hpp"
#include "netd/store/store.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace apply {

// How a transaction ends, or that it has not ended yet.
struct Committed {
    bool changed = false;                   // false: the host was as asked, nothing was written
    std::optional<Error> uncommitted = {};  // it holds, but why no boot brings it back, though that was asked for
};
struct Waiting {
    std::uint64_t id = 0;
    std::chrono::nanoseconds deadline = {};  // CLOCK_BOOTTIME
    bool is_remote = false;                  // begun over TCP, and to be confirmed that way
    std::set<std::string> awaited = {};      // as in Terms
    bool is_confirmed = false;
};
struct RolledBack {
    Error because;
};
struct Degraded {
    Error because;
    std::optional<Error> rollback = {};  // none: of a boot, from which no way leads back
};
using Outcome = std::variant<Committed, Waiting, RolledBack, Degraded>;

// What a change shall be like.
struct Terms {
    std::optional<std::chrono::seconds> within = {};     // to be confirmed in that time, or it goes back; none: it holds at once
    std::set<std::string> awaited = {};                  // leases, by key, which the host does not show yet: it waits though nothing is to be done
    bool is_confirmed = false;                           // it waits for these alone
    bool is_remote = false;                              // begun over TCP
    bool commit = false;                                 // the running definitions become the committed ones
    std::optional<std::chrono::seconds> timeout = {};    // for the applying
    lower::Touched named = {};                           // to be looked at although its definition is the same
    std::function<void(std::uint64_t number)> begun = [](std::uint64_t) {};  // told before the first step, if there is any
};

class Transactor {
public:
    // Of what a boot makes: each by itself; the first so many are the ways to the host.
    struct Parts {
        std::vector<intent::Intent> each = {};
        std::size_t ways = 0;
    };

    Transactor(Backends backends, store::Store store, const loop::Clock& clock)
        : backends_(backends), store_(std::move(store)), clock_(clock) {}

    // At start, once the mirrors stand: takes up what is on disk. Finishes, undoes or goes on waiting for an open
    // transaction; after a boot brings the committed definitions back. The outcome is that of what it had to do. Files that
    // were read while the mirrors were filled need not be read again.
    Outcome recover(std::optional<store::Remembered> read_already = {});

    // While one is waiting no other may begin. What has its number (Terms::begun) ends by another outcome than "unchanged".
    Outcome begin(const intent::Intent& wanted, const Terms& terms);
    // One that was taken up at a start goes back all the same if the host is not as it made it.
    Outcome confirm();
    // Of one that waits for leases, too: it ends when they are there. False if that can't be written down.
    bool confirm_but_for_leases();
    Outcome roll_back(const Error& because);  // of the one that is waiting

    // Brings about again what of the touched things has come to differ from the definitions; these are the standing ones without
    // what can't be had now (lower/attainable.hpp). Committed or back. While a transaction waits, beside it: without touching how
    // that ends, so what would be in neither way is left for later, and what is refused half-way stays so.
    Outcome mend(const intent::Intent& attainable, const lower::Touched& touched);

    // After repairs and changes: a boot that was not whole may be so now, and is no trouble any more. Costs what there is.
    void look_at_the_boot_again(const intent::Intent& attainable);
    bool is_boot_incomplete() const { return boot_trouble_.has_value(); }

    // Takes away what Open vSwitch has kept over a boot though nobody committed it, once that answers. A "no" is not tried again.
    Result<> see_to_leftovers();
    // What has been taken away so since this was last asked.
    std::set<topology::IfName> take_leftovers() { return std::exchange(leftovers_, {}); }

    // Makes the host by what DHCP servers give now, instead of by what it is made by (Backends::leases); also in a transaction
    // that waits, whose way back then knows of it. A "no" leaves the host as it was.
    Result<> follow(const lower::Leases& offered);

    // Looks whether NICs that the definitions name are there under another name, and writes that into the definitions. True if
    // there were. Not while a transaction is open.
    bool follow_names();

    // Tries again to bring back what a rollback could not. That it is taken back, if it is so now.
    std::optional<RolledBack> try_again();

    // The running definitions become the committed ones.
    Result<> commit_running();

    const intent::Intent& running() const { return running_; }
    const intent::Intent& committed() const { return committed_; }
    // What the host is made as now: the running ones, or those that wait for their confirmation.
    const intent::Intent& standing() const { return waiting_ ? standing_ : running_; }
    // Of the transaction that the last outcome is about; none: nothing was begun.
    const std::optional<std::uint64_t>& number() const { return number_; }
    bool is_stuck() const { return stuck_.has_value(); }
    const std::optional<Waiting>& waiting() const { return waiting_; }
    // One of the two: no definition follows what comes by itself meanwhile.
    bool is_open() const { return open_.has_value(); }
    const intent::Identities& identities() const { return identities_; }
    // Names that stood in definitions, and the devices that are meant by them since.
    const intent::Renames& renames() const { return renames_; }
    // As it is now, with these names.
    lower::Host host() const;
    // Something an operator must know of: a rollback that is stuck, a commit that failed, a boot that is not whole; else files that were damaged.
    std::optional<Error> trouble() const;
    // Files that recover() found damaged, each with what follows from it.
    const std::vector<Error>& damages() const { return damages_; }

    // A change that could not be taken back comes before all others: none is begun.
    std::optional<Error> unfinished() const;

private:
    std::optional<Error> keep_up();
    std::optional<Error> in_the_way(const bridges::Link& wanted) const;
    std::optional<Error> in_the_way(const lower::HostState& wanted) const;
    // Of NICs of guests that come: somebody else's device that has the name of one's port.
    std::optional<Error> taken_port(const intent::Delta& delta) const;
    std::optional<Error> in_vain(const plan::Plan& plan, std::chrono::steady_clock::time_point deadline) const;
    lower::HostState before_image(const lower::Goal& goal) const;
    void remember(const lower::Goal& goal);
    std::uint64_t next_id();
    // `lowered` gives the goal once more, as of what the host has then; it may be left out.
    Outcome carry_out(const lower::Goal& goal, intent::Delta delta, const Terms& terms, const std::function<lower::Goal()>& lowered = {});
    bool is_settled(const intent::Intent& wanted, const Terms& terms) const;
    bool is_committed() const;
    Outcome unchanged(const Terms& terms);
    Result<> lead_back(lower::Host host);
    Result<> follow_while_waiting(const lower::Goal& goal, bool is_own);
    Outcome wait();
    intent::Intent without_strangers(const intent::Intent& attainable) const;
    Outcome mend_beside(const intent::Intent& all, const lower::Touched& all_touched);
    Outcome finish();
    Outcome undo(const Error& because);
    lower::Goal way_back() const;
    Result<> go_back();
    void go_back_in_part();
    lower::Ground ground() const;
    bool still_stands() const;
    Result<store::Prepared> prepare_committed(const intent::Intent& now, std::uint64_t generation) const;
    Result<> put_committed(const store::Prepared& prepared);
    Outcome decided(const std::optional<store::Prepared>& prepared = {});
    void end_journal(std::optional<std::uint64_t> id);
    void load(store::Remembered& remembered);
    void note_damage(Error error, std::string_view consequence);
    void take_names_of_now(const intent::Identities& met);
    void rename_running(const intent::Renames& renames);
    Outcome take_up(store::Entry entry);
    Outcome begin_anew(store::Entry entry);
    Outcome bring_back();
    Result<> make_together(intent::Intent& made, std::span<const intent::Intent> parts, std::chrono::steady_clock::time_point deadline);
    Result<> make_in_halves(intent::Intent& made, std::span<const intent::Intent> parts, std::chrono::steady_clock::time_point deadline);
    Result<> make_all(const intent::Intent& all);
    Result<> make_all_of(intent::Intent& made, const Parts& parts);
    Result<> take_away_leftovers(const intent::Intent& all);
    bool knows_leftovers() const;
    void set_leftovers_due(bool are_due);
    bool is_whole(const intent::Intent& attainable) const;
    std::chrono::steady_clock::time_point apply_deadline(const Terms& terms) const;

    Backends backends_;
    store::Store store_;
    const loop::Clock& clock_;
    intent::Intent running_, committed_;
    intent::Intent standing_;                  // what is to run once the open transaction has ended well, where that changes it
    intent::Identities identities_;
    intent::Identities committed_identities_;  // by the names in the file
    intent::Renames renames_;
    mutable lower::MarkedLinks marked_;
    std::uint64_t generation_ = 0;
    std::uint64_t last_id_ = 0;
    bool has_run_in_this_boot_ = false;
    bool has_committed_ = false;              // ever: there is a file of it
    bool leftovers_due_ = false;              // a boot, maybe that of a netd that died, has not had Open vSwitch's answer yet
    std::set<topology::IfName> leftovers_;
    std::optional<Error> unkept_ = {};        // why the running definitions are not on disk
    std::optional<Error> uncommitted_ = {};   // why those of a change are not committed, until some are
    std::optional<Error> boot_trouble_ = {};  // why a boot is not whole, until it is
    std::optional<store::Entry> open_;
    std::optional<std::uint64_t> number_;
    lower::Scope beside_;  // what leases have changed while open_ waits, of networks that it is not about
    std::optional<Settled> settled_;
    std::optional<Waiting> waiting_;
    bool was_taken_up_ = false;  // of the one that waits: begun by a netd that died, and
    bool is_in_doubt_ = false;   // not all there when it was taken up: it may have been taken back, and is not made once more
    std::optional<Error> trouble_;
    std::vector<Error> damages_;
    std::optional<Error> stuck_;  // why the rollback of open_ did not succeed
};

}  // namespace apply
