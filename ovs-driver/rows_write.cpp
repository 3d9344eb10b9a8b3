// Ops to rows. Never a whole set of ports or external_ids: with two writers one would wipe out the other's.
#include "ovs-driver/rows_write.hpp"

#include "ovs-driver/columns_write.hpp"
#include "ovs-driver/rows_qos.hpp"
#include "ovs-driver/session.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "ovs-driver/idl_handles.hpp"

namespace ovs {
namespace {

using topology::Error;
using topology::Fault;
using topology::Result;

struct NewBridge {
    const ovsrec_bridge* row = nullptr;
    std::vector<ovsrec_port*> ports = {};
    std::vector<ovsrec_mirror*> mirrors = {};
};

class Writer {
public:
    Writer(Session& session, ovsdb_idl_txn& transaction, const State& mirror)
        : session_(session), transaction_(transaction), mirror_(mirror) {}

    Result<> write(std::span<const Op> ops) {
        for (const Op& op : ops) take_away(op);  // while a name still finds the old row and not a new one
        for (const Op& op : ops) {
            const auto* bridge = std::get_if<Create<Bridge>>(&op);
            if (!bridge) continue;
            if (auto made = create(bridge->now); !made) return made;
        }
        for (const Op& op : ops) {
            if (auto written = std::visit([&](const auto& held) { return carry_out(held); }, op); !written) return written;
        }
        for (auto& [name, made] : created_) {
            ovsrec_bridge_set_ports(made.row, made.ports.data(), made.ports.size());
            if (!made.mirrors.empty()) ovsrec_bridge_set_mirrors(made.row, made.mirrors.data(), made.mirrors.size());
        }
        sweep_qos(session_, leaving_ports_);
        return {};
    }

private:
    // What leaves in the same transaction is not in the way of what comes under its name. The ports of a bridge go with
    // it: nothing else refers to them.
    void take_away(const Op& op) {
        if (const auto* port = std::get_if<Remove<Port>>(&op)) {
            if (const auto* row = session_.port(port->was.name)) detach(*row);
            leaving_ports_.insert(port->was.name);
        }
        if (const auto* mirror = std::get_if<Remove<PortMirror>>(&op)) take_away(mirror->was);
        if (const auto* bridge = std::get_if<Remove<Bridge>>(&op)) {
            for (const Port& port : mirror_.ports)
                if (port.bridge == bridge->was.name) leaving_ports_.insert(port.name);
            if (const auto* row = session_.bridge(bridge->was.name))
                ovsrec_open_vswitch_update_bridges_delvalue(session_.root(), row);
            leaving_bridges_.insert(bridge->was.name);
        }
    }

    std::pair<ovsrec_port*, ovsrec_interface*> insert_port(const IfName& name) {
        auto* interface = ovsrec_interface_insert(&transaction_);
        ovsrec_interface_set_name(interface, name.c_str());
        auto* port = ovsrec_port_insert(&transaction_);
        ovsrec_port_set_name(port, name.c_str());
        ovsrec_port_set_interfaces(port, &interface, 1);
        return {port, interface};
    }

    Result<> create(const Bridge& want) {
        if (session_.bridge(want.name) && !leaving_bridges_.contains(want.name))
            return Error{Fault::conflict, want.name.text(), "somebody else has made a bridge of this name"};
        const auto* row = ovsrec_bridge_insert(&transaction_);
        ovsrec_bridge_set_name(row, want.name.c_str());
        write_bridge(transaction_, *row, want);
        const auto [local, interface] = insert_port(want.name);
        ovsrec_interface_set_type(interface, "internal");
        ovsrec_open_vswitch_update_bridges_addvalue(session_.root(), row);
        created_.insert_or_assign(want.name, NewBridge{row, {local}});
        return {};
    }

    // verify: if somebody removed the bridge meanwhile, the port would be added to nothing, and that would be a success.
    Result<> attach(ovsrec_port* port, const Port& want) {
        if (!want.bridge) return Error{Fault::invalid, want.name.text(), "a port needs a bridge"};
        if (const auto made = created_.find(*want.bridge); made != created_.end()) {
            made->second.ports.push_back(port);
            return {};
        }
        const auto* bridge = leaving_bridges_.contains(*want.bridge) ? nullptr : session_.bridge(*want.bridge);
        if (!bridge) return Error{Fault::not_found, want.bridge->text(), "Open vSwitch has no such bridge"};
        ovsrec_bridge_verify_name(bridge);
        ovsrec_bridge_update_ports_addvalue(bridge, port);
        return {};
    }

    void detach(const ovsrec_port& port) {
        const Port* known = mirror_.ports.find(IfName::observed(port.name));
        if (!known || !known->bridge || leaving_bridges_.contains(*known->bridge)) return;
        const auto* bridge = session_.bridge(*known->bridge);
        if (bridge) ovsrec_bridge_update_ports_delvalue(bridge, &port);
    }

    // A row of Mirror lives as long as its bridge refers to it.
    void take_away(const PortMirror& was) {
        const auto* row = find_mirror(session_, was.name);
        const auto* bridge = row && was.bridge && !leaving_bridges_.contains(*was.bridge) ? session_.bridge(*was.bridge) : nullptr;
        if (bridge) ovsrec_bridge_update_mirrors_delvalue(bridge, row);
    }

    Result<const ovsrec_port*> output_of(const PortMirror& want) const {
        if (!want.output) return nullptr;
        const auto made = made_ports_.find(*want.output);
        const auto* row = made != made_ports_.end() ? made->second : session_.port(*want.output);
        if (row) return row;
        return Error{Fault::not_found, want.output->text(), "Open vSwitch has no such port to send copies to"};
    }

    Result<> carry_out(const Create<PortMirror>& op) {
        const auto output = output_of(op.now);
        if (!output) return output.error();
        auto* row = ovsrec_mirror_insert(&transaction_);
        ovsrec_mirror_set_name(row, op.now.name.c_str());
        write_mirror(*row, op.now, *output);
        return attach(row, op.now);
    }

    Result<> attach(ovsrec_mirror* mirror, const PortMirror& want) {
        const auto made = want.bridge ? created_.find(*want.bridge) : created_.end();
        if (made != created_.end()) {
            made->second.mirrors.push_back(mirror);
            return {};
        }
        const auto* bridge = want.bridge && !leaving_bridges_.contains(*want.bridge) ? session_.bridge(*want.bridge) : nullptr;
        if (!bridge) return Error{Fault::not_found, want.name.text(), "Open vSwitch has no such bridge"};
        ovsrec_bridge_verify_name(bridge);
        ovsrec_bridge_update_mirrors_addvalue(bridge, mirror);
        return {};
    }

    // Somebody else's: with all that its row says.
    Result<> move(const PortMirror& was, const PortMirror& now) {
        const auto* from = was.bridge ? session_.bridge(*was.bridge) : nullptr;
        const std::span<ovsrec_mirror*> mirrors = from ? std::span(from->mirrors, from->n_mirrors) : std::span<ovsrec_mirror*>();
        const auto row = std::find_if(mirrors.begin(), mirrors.end(), [&](const ovsrec_mirror* mirror) { return was.name.text() == mirror->name; });
        if (row == mirrors.end()) return Error{Fault::conflict, was.name.text(), "somebody else has removed this mirror"};
        if (!leaving_bridges_.contains(*was.bridge)) ovsrec_bridge_update_mirrors_delvalue(from, *row);
        return attach(*row, now);
    }

    Result<> carry_out(const Update<PortMirror>& op) {
        if (op.now.bridge && op.now.bridge != op.was.bridge) return move(op.was, op.now);
        const auto output = output_of(op.now);
        if (!output) return output.error();
        const auto* row = find_mirror(session_, op.now.name);
        if (!row) return Error{Fault::conflict, op.now.name.text(), "somebody else has removed this mirror"};
        ovsrec_mirror_verify_name(row);
        write_mirror(*row, op.now, *output);
        return {};
    }

    // Done before everything else.
    Result<> carry_out(const Remove<PortMirror>&) { return {}; }
    Result<> carry_out(const Remove<Port>&) { return {}; }
    Result<> carry_out(const Remove<Bridge>&) { return {}; }
    Result<> carry_out(const Create<Bridge>&) { return {}; }

    Result<> carry_out(const Update<Bridge>& op) {
        const auto* row = session_.bridge(op.now.name);
        if (!row) return Error{Fault::conflict, op.now.name.text(), "somebody else has removed this bridge"};
        ovsrec_bridge_verify_name(row);
        write_bridge(transaction_, *row, op.now);
        return {};
    }

    Result<> carry_out(const Create<Port>& op) {
        const auto& name = op.now.name;
        if (session_.port(name) && !leaving_ports_.contains(name))
            return Error{Fault::conflict, name.text(), "somebody else has made a port of this name"};
        const auto [port, interface] = insert_port(name);
        write_port(*port, *interface, op.now);
        if (op.now.qos) write_qos(*port, *op.now.qos, transaction_);
        made_ports_.insert_or_assign(name, port);
        return attach(port, op.now);
    }

    Result<> carry_out(const Update<Port>& op) {
        const auto& name = op.now.name;
        const auto* row = session_.port(name);
        const Port* known = mirror_.ports.find(name);
        if (!row || !known) return Error{Fault::conflict, name.text(), "somebody else has removed this port"};
        const bool only_moves = op.now == Port{.name = name, .bridge = op.now.bridge};
        if (row->n_interfaces != 1 && !only_moves) return Error{Fault::conflict, name.text(), "this port is a bond of Open vSwitch"};
        ovsrec_port_verify_name(row);
        write_port(*row, *row->interfaces[0], op.now);
        if (op.now.qos) write_qos(*row, *op.now.qos, transaction_);
        if (!op.now.bridge || (op.now.bridge == known->bridge && !leaving_bridges_.contains(*known->bridge))) return {};
        detach(*row);
        return attach(const_cast<ovsrec_port*>(row), op.now);  // only its uuid is taken
    }

    Session& session_;
    ovsdb_idl_txn& transaction_;
    const State& mirror_;
    std::map<IfName, NewBridge> created_;
    std::map<IfName, const ovsrec_port*> made_ports_;
    std::set<IfName> leaving_ports_, leaving_bridges_;
};

}  // namespace

topology::Result<> write_ops(Session& session, ovsdb_idl_txn& transaction, const State& mirror,
                             std::span<const Op> ops) {
    return Writer(session, transaction, mirror).write(ops);
}

}  // namespace ovs
