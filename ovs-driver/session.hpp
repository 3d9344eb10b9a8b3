// The conversation with one ovsdb-server: connecting, hearing, waiting and finding rows; what the rows mean is known
// elsewhere.
#pragma once

#include "topology/names.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct ovsdb_idl;
struct ovsdb_idl_index;
struct ovsdb_idl_txn;
struct ovsrec_bridge;
struct ovsrec_interface;
struct ovsrec_open_vswitch;
struct ovsrec_port;

namespace ovs {

using topology::IfName;

// Belongs to the thread that made it: OVS keeps a poll loop for each thread. Row pointers are good until the next run().
class Session {
public:
    using Clock = std::chrono::steady_clock;

    // Starts to connect, never waits; it tries again by itself, after 1 to 8 seconds. "unix:/run/openvswitch/db.sock".
    explicit Session(std::string remote);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const std::string& remote() const { return remote_; }

    // Takes in what has come. Must not be called between the start and the first commit of a transaction.
    void run();

    // True while the rows are those of a live connection.
    bool connected() const { return live_; }

    // Moves with every change and with every connection.
    unsigned seqno() const;

    // Counts how often the database was read anew: what changed in between is not told row by row. 0: never read.
    unsigned generation() const { return generation_; }

    // Until one of the descriptors is readable, there is something for run() or a commit, or the deadline is over; it
    // may return early. Descriptor 0 can't be waited for (a rule of OVS' poll loop).
    void wait(std::span<const int> readable, Clock::time_point deadline);

    ovsdb_idl* idl() const { return idl_.get(); }
    const ovsrec_open_vswitch* root() const;  // null if the database was never initialised
    const ovsrec_bridge* bridge(const IfName& name) const;
    const ovsrec_port* port(const IfName& name) const;
    const ovsrec_interface* interface(const IfName& name) const;

private:
    void monitor_columns();
    void notice_connection();
    void notice_rebirth();

    struct Destroy { void operator()(ovsdb_idl* idl) const; };

    std::string remote_;
    std::unique_ptr<ovsdb_idl, Destroy> idl_;
    ovsdb_idl_index* bridges_ = nullptr;  // by name; they live and die with the idl
    ovsdb_idl_index* ports_ = nullptr;
    ovsdb_idl_index* interfaces_ = nullptr;
    bool live_ = false;
    unsigned silent_since_ = 0;
    unsigned root_born_ = 0;
    unsigned generation_ = 0;
};

struct DropTransaction { void operator()(ovsdb_idl_txn* transaction) const; };
using Transaction = std::unique_ptr<ovsdb_idl_txn, DropTransaction>;

// The words of ovsdb-server about a transaction, out of {"details":…,"error":…}.
std::string words_of_refusal(const char* error);

}  // namespace ovs
