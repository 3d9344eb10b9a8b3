// The picture's geometry: everything is there once, nothing overlaps, every line ends where it should.
#include "tests/topology/sample_host.hpp"
#include "topology/picture.hpp"
#include "topology/pixels.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <random>

namespace picture_test {

using namespace sample;

namespace {

Picture drawn(const Graph& graph) {
    auto picture = arrange(graph);
    place(picture);
    return picture;
}
Picture drawn(Graph&&) = delete;  // the picture points into its graph

std::vector<std::string> titles(const Picture& picture, const std::string& heading) {
    std::vector<std::string> all;
    for (const auto& column : picture.columns) {
        if (column.heading != heading) continue;
        for (const auto i : column.cells) {
            if (!picture.cells[i].is_waypoint()) all.push_back(picture.cells[i].node->title());
        }
    }
    return all;
}

Graph random_host(std::mt19937& random) {
    Graph graph;
    const auto some = [&](NodeKind kind) { return NodeId{kind, std::to_string(random() % 6)}; };
    const auto any = [&] { return every_node_kind[random() % std::size(every_node_kind)]; };
    for (auto i = random() % 40; i > 0; --i) {
        Node one{.id = some(any())};
        if (random() % 4 == 0) one.problem = "mtu is 1500, wanted 9000";
        graph.nodes.put(one);
    }
    for (auto i = random() % 60; i > 0; --i) {
        graph.edges.put(
            edge(every_edge_kind[random() % std::size(every_edge_kind)], some(any()), some(any()), random() % 2 ? "7" : ""));
    }
    return graph;
}

void require_no_overlap(const Picture& picture) {
    for (const auto& column : picture.columns) {
        for (std::size_t i = 1; i < column.cells.size(); ++i) {
            const Cell &above = picture.cells[column.cells[i - 1]], &below = picture.cells[column.cells[i]];
            REQUIRE(above.y + above.height / 2 < below.y - below.height / 2);
        }
        for (const auto i : column.cells) {
            REQUIRE(picture.cells[i].y - picture.cells[i].height / 2 >= 40);
            REQUIRE(picture.cells[i].y + picture.cells[i].height / 2 <= picture.height - 30);
        }
        REQUIRE(column.x + column.width <= picture.width);
    }
    for (std::size_t i = 1; i < picture.columns.size(); ++i)
        REQUIRE(picture.columns[i - 1].x + picture.columns[i - 1].width < picture.columns[i].x);
}

void require_lines_to_meet_boxes(const Picture& picture) {
    for (const Link& link : picture.links) {
        const Cell &first = picture.cells[link.cells.front()], &last = picture.cells[link.cells.back()];
        REQUIRE(link.points.front().y == first.y);
        REQUIRE(link.points.back().y == last.y);
        REQUIRE(link.points.front().x == picture.columns[first.column].x + first.width);
        const auto end = picture.columns[last.column].x + (first.column == last.column ? last.width : 0);
        REQUIRE(link.points.back().x == end);
        for (const Point& point : link.points) REQUIRE((point.x > 0 && point.x < picture.width && std::isfinite(point.y)));
    }
}

}  // namespace

TEST_CASE("kinds are columns, and a column that would be empty is not there") {
    std::vector<std::string> headings;
    const Graph graph = host();
    const auto picture = drawn(graph);
    for (const auto& column : picture.columns) headings.push_back(column.heading);
    REQUIRE(headings == std::vector<std::string>{"NICs", "Bonds", "VLANs", "Networks", "Ports", "Guests"});
}

TEST_CASE("networks stand in the order of their tags, those inside the host last") {
    const Graph sample = host();
    REQUIRE(titles(drawn(sample), "Networks") == std::vector<std::string>{"ovirtmgmt", "web", "db", "lab"});
    Graph graph;
    graph.nodes.put(node(NodeKind::nic, "eno1"));
    for (const auto* tag : {"10", "9", "100"}) add_network(graph, std::string("net") + tag, nic("eno1"), tag);
    for (const auto* name : {"host10", "host9"}) add_network(graph, name, NodeId{});
    REQUIRE(titles(drawn(graph), "Networks") == std::vector<std::string>{"net9", "net10", "net100", "host9", "host10"});
}

TEST_CASE("a bridge that one network has for itself shares its box, and one that has many does not") {
    Graph graph = host();
    REQUIRE(titles(drawn(graph), "Bridges").empty());
    graph.nodes.put(node(NodeKind::network, "guest-web"));
    graph.edges.put(edge(EdgeKind::realises, bridge("web"), network("guest-web"), "5"));
    REQUIRE(titles(drawn(graph), "Bridges") == std::vector<std::string>{"web"});
}

TEST_CASE("a port is drawn to its network and not a second time to the bridge") {
    const Graph graph = host();
    const auto picture = drawn(graph);
    const auto to_vnet0 = std::count_if(picture.links.begin(), picture.links.end(),
                                        [](const Link& link) { return link.edge->to == port("vnet0"); });
    REQUIRE(to_vnet0 == 1);
}

TEST_CASE("VLANs on top of a bridge stand at its other side") {
    Graph graph;
    graph.nodes.put(node(NodeKind::nic, "eno1"));
    graph.nodes.put(node(NodeKind::bridge, "br0"));
    graph.nodes.put(node(NodeKind::vlan, "br0.5"));
    graph.edges.put(edge(EdgeKind::enslaved, nic("eno1"), bridge("br0")));
    graph.edges.put(edge(EdgeKind::stacked, bridge("br0"), vlan("br0.5"), "5"));
    const auto picture = drawn(graph);
    REQUIRE(picture.columns.size() == 3);
    REQUIRE(picture.columns[1].heading == "Bridges");
    REQUIRE(picture.columns[2].heading == "VLANs");
}

TEST_CASE("a line passes beside the boxes of the columns between") {
    const Graph graph = host();
    const auto picture = drawn(graph);
    const auto direct = std::find_if(picture.links.begin(), picture.links.end(),
                                     [](const Link& link) { return link.edge->to == bridge("ovirtmgmt"); });
    REQUIRE(direct != picture.links.end());
    REQUIRE(direct->cells.size() == 3);
    REQUIRE(picture.cells[direct->cells[1]].is_waypoint());
}

TEST_CASE("whatever the host, each thing has its box and no box overlaps another") {
    std::mt19937 random(21);
    for (int round = 0; round < 400; ++round) {
        CAPTURE(round);
        const Graph graph = random_host(random);
        const auto picture = drawn(graph);
        NodeIds shown;
        for (const Cell& cell : picture.cells) {
            if (cell.node) REQUIRE(shown.insert(cell.node->id).second);
            if (cell.maker) REQUIRE(shown.insert(cell.maker->id).second);
        }
        REQUIRE(shown.size() == graph.nodes.size());
        require_no_overlap(picture);
        require_lines_to_meet_boxes(picture);
    }
}

TEST_CASE("a host of hundreds is drawn in single lines, its NICs at the top") {
    Graph graph = host();
    for (int i = 0; i < 200; ++i) add_network(graph, "net" + std::to_string(i), bond("bond0"), std::to_string(1000 + i));
    const auto picture = drawn(graph);
    REQUIRE(picture.is_dense);
    require_no_overlap(picture);
    for (const Cell& cell : picture.cells) {
        if (cell.node && cell.node->kind() == NodeKind::bond) REQUIRE(cell.y < 200);
    }
    const Graph small = host();
    REQUIRE_FALSE(drawn(small).is_dense);
}

TEST_CASE("an empty host is an empty picture") {
    const Graph nothing;
    REQUIRE(drawn(nothing).columns.empty());
}

TEST_CASE("a text is cut to the room it has, and a broad one sooner") {
    REQUIRE(cut_to_pixels("web", 100, Font::title) == "web");
    REQUIRE(cut_to_pixels(std::string(100, 'x'), 100, Font::small).size() < 20);
    REQUIRE(pixels_of("WWWW", Font::small) > pixels_of("iiii", Font::small));
    REQUIRE(pixels_of(cut_to_pixels("Производственная сеть", 80, Font::title), Font::title) <= 80);
    REQUIRE(cut_to_pixels("web", 0, Font::title) == "…");
}

}  // namespace picture_test
