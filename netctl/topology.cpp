// `topology`: the host as a picture, drawn here, so that any netd can be looked at with any picture we know.
#include "netctl/answer.hpp"
#include "netctl/read_graph.hpp"
#include "netctl/text.hpp"
#include "netctl/verbs.hpp"
#include "topology/render.hpp"

#include <fmt/format.h>

namespace netctl {

namespace {

using nlohmann::json;
using topology::Graph;

// Which part is netd's to choose; many guests of one network are one box in a picture, and each his own in a document.
json part_of(const Topology& wish, bool is_document) {
    const bool folded = !is_document && !wish.unfolded && wish.guest.empty();
    json part{{"view", wish.only_problems ? "problems" : folded ? "folded" : "whole"}};
    if (!wish.network.empty()) part["network"] = wish.network;
    if (!wish.guest.empty()) part["guest"] = wish.guest;
    return part;
}

std::string draw(const Graph& graph, const Topology& wish, const Screen& screen) {
    switch (wish.picture) {
        case Picture::dot: return to_dot(graph);
        case Picture::svg: return to_svg(graph);
        case Picture::mermaid: return to_mermaid(graph);
        case Picture::tree: break;
    }
    const auto width = screen.width().value_or(0);
    return to_tree(graph, {width, screen.has_color(), wish.ascii || screen.is_ascii()});
}

}  // namespace

Exit run(const Topology& wish, Session& session) {
    const bool is_document = session.screen.wants_json();
    const auto answer = session.netd.call("Host.getTopology", part_of(wish, is_document), session.patience);
    if (auto trouble = std::get_if<Trouble>(&answer)) {
        auto told = *trouble;
        // What we ask for is well-formed: if netd takes offence at a name, it is that nobody has it.
        if (told.exit == Exit::rejected) told.exit = Exit::not_found;
        if (told.exit == Exit::not_found && wish.network.empty()) told.next = "netctl vm";
        return session.screen.fail(told);
    }
    if (is_document) {
        session.screen.document(std::get<json>(answer));
        return Exit::done;
    }
    const auto [graph, left_out] = read_graph(std::get<json>(answer));
    if (left_out > 0) session.screen.remark(fmt::format("{} of what there is this netctl does not know · try: netctl version", left_out));
    if (graph.nodes.empty() && wish.picture == Picture::tree) {
        session.screen.remark(wish.only_problems ? "no problems" : "nothing is there");
        return Exit::done;
    }
    auto picture = draw(graph, wish, session.screen);
    while (picture.ends_with('\n')) picture.pop_back();
    session.screen.line(picture);
    return Exit::done;
}

}  // namespace netctl
