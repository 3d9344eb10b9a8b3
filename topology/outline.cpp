// From each bond, and each NIC that is in none, up to the networks; then what was reached from nowhere.
#include "topology/outline.hpp"

#include "topology/names.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace topology {
namespace {

bool is_bridge(NodeKind kind) { return kind == NodeKind::bridge || kind == NodeKind::ovs_bridge; }

class Outliner {
public:
    explicit Outliner(const Graph& graph) : graph_(graph), wiring_(graph) {}

    std::vector<OutlineTrunk> trunks() {
        std::vector<OutlineTrunk> trunks;
        for (const Node& node : graph_.nodes) {
            if (node.kind() == NodeKind::bond || (node.kind() == NodeKind::nic && !is_in_bond(node.id)))
                trunks.push_back(trunk_of(node));
        }
        // In the order of their first NIC, so that eno1's bond comes before eno3.
        std::stable_sort(trunks.begin(), trunks.end(),
                         [](const auto& a, const auto& b) { return first_of(a) < first_of(b); });
        add_unreached(trunks);
        return trunks;
    }

private:
    // A row found on the way up, and the bridge that it was found behind.
    struct Found {
        OutlineRow row;
        const Node* behind = nullptr;
    };
    struct Way {
        std::string tag = {};
        const Node* behind = nullptr;
    };

    static std::pair<bool, std::string> first_of(const OutlineTrunk& trunk) {
        const Node* first = trunk.nics.empty() ? trunk.bond : trunk.nics[0];
        return {trunk.nics.empty(), first->id.name};
    }

    bool is_in_bond(const NodeId& nic) const {
        const auto& above = wiring_.above(nic);
        return std::any_of(above.begin(), above.end(), [](const Edge* edge) { return edge->to.kind == NodeKind::bond; });
    }

    // A port at the end of a way is a guest's; one that a network is made of is a step on it.
    bool leads_on(const NodeId& id) const {
        if (id.kind < NodeKind::network) return true;
        const auto& above = wiring_.above(id);
        return id.kind == NodeKind::port &&
               std::any_of(above.begin(), above.end(), [](const Edge* edge) { return edge->kind == EdgeKind::realises; });
    }

    OutlineTrunk trunk_of(const Node& base) {
        OutlineTrunk trunk;
        if (base.kind() == NodeKind::bond) {
            trunk.bond = &base;
            for (const Edge* edge : wiring_.below(base.id)) trunk.nics.push_back(graph_.nodes.find(edge->from));
        } else {
            trunk.nics.push_back(&base);
        }
        std::vector<Found> found;
        NodeIds walked = {base.id};
        climb(base.id, {}, walked, found);
        trunk.bridge = common_bridge(found);
        take_rows(std::move(found), trunk);
        return trunk;
    }

    // True if a row was found above; a device above which there is none becomes a row itself.
    bool climb(const NodeId& id, const Way& way, NodeIds& walked, std::vector<Found>& found) {
        bool has_found = false;
        reached_.insert(id);
        on_the_way_.insert(id);
        for (const Edge* edge : wiring_.above(id)) {
            const auto& tag = edge->label.empty() ? way.tag : edge->label;
            const Node* next = graph_.nodes.find(edge->to);
            const bool is_network = next->kind() == NodeKind::network;
            const bool is_circle = on_the_way_.contains(edge->to);
            if (is_circle || (!is_network && !leads_on(edge->to))) continue;
            has_found = true;
            if (!walked.insert(edge->to).second) continue;
            const Node* behind = is_bridge(next->kind()) && !way.behind ? next : way.behind;
            if (is_network || !climb(edge->to, {tag, behind}, walked, found)) found.push_back({row_of(*next, tag), behind});
            reached_.insert(edge->to);
        }
        on_the_way_.erase(id);
        return has_found;
    }

    OutlineRow row_of(const Node& node, const std::string& tag) const {
        const auto known = node.attribute(attribute::vlan);
        const auto ends = node.kind() == NodeKind::network ? plugged_into(wiring_, node.id) : wiring_.all_above({node.id});
        return {&node, tag.empty() ? known : tag, population(graph_, wiring_, ends)};
    }

    static const Node* common_bridge(const std::vector<Found>& found) {
        if (found.empty() || !found[0].behind) return nullptr;
        const Node* bridge = found[0].behind;
        const bool is_common =
            std::all_of(found.begin(), found.end(), [&](const Found& one) { return one.behind == bridge; });
        const bool says_nothing =
            found.size() == 1 && (found[0].row.node == bridge || found[0].row.node->title() == bridge->title());
        return is_common && !says_nothing ? bridge : nullptr;
    }

    // Untagged first, then by tag as a number ("9" before "10"), then by name.
    static void take_rows(std::vector<Found> found, OutlineTrunk& trunk) {
        const auto order = [](const Found& one) {
            return std::tuple(one.row.tag.size(), one.row.tag, one.row.node->title(), one.row.node->id);
        };
        std::sort(found.begin(), found.end(), [&](const Found& a, const Found& b) { return order(a) < order(b); });
        for (auto& one : found) trunk.rows.push_back(std::move(one.row));
    }

    // Networks that have lost their way, by what it led to; then what is inside the host.
    void add_unreached(std::vector<OutlineTrunk>& trunks) {
        std::map<std::string, OutlineTrunk> astray;
        OutlineTrunk inside;
        for (const Node& node : graph_.nodes) {
            if (reached_.contains(node.id) || node.kind() > NodeKind::network) continue;
            const bool is_top = node.kind() == NodeKind::network || !carries_more(node.id);
            if (!is_top || node.kind() <= NodeKind::bond) continue;
            const auto base = node.attribute(attribute::base);
            auto& trunk = base.empty() ? inside : astray.try_emplace(base, OutlineTrunk{.lost = base}).first->second;
            trunk.rows.push_back(row_of(node, ""));
        }
        for (auto& [base, trunk] : astray) trunks.push_back(std::move(trunk));
        if (!inside.rows.empty()) trunks.push_back(std::move(inside));
    }

    bool carries_more(const NodeId& id) const {
        const auto& above = wiring_.above(id);
        return std::any_of(above.begin(), above.end(), [&](const Edge* edge) {
            return edge->kind != EdgeKind::peer && (edge->to.kind == NodeKind::network || leads_on(edge->to));
        });
    }

    const Graph& graph_;
    Wiring wiring_;
    NodeIds reached_;
    NodeIds on_the_way_;  // from the base to where climb() is
};

}  // namespace

std::vector<OutlineTrunk> outline(const Graph& graph) {
    return Outliner(graph).trunks();
}

}  // namespace topology
