// The pictures as texts: what is in them, that they are well-formed, and that no name breaks out of its place.
#include "tests/topology/sample_host.hpp"
#include "topology/escape.hpp"
#include "topology/names.hpp"
#include "topology/pixels.hpp"
#include "topology/render.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace svg_test {

using namespace sample;
using namespace std::string_literals;

namespace {

// The names of open elements when an element ends too soon or too late; empty for well-formed text without CDATA.
std::string fault_in(const std::string& xml) {
    std::vector<std::string> open;
    for (std::size_t at = xml.find('<'); at != std::string::npos; at = xml.find('<', at + 1)) {
        const auto end = xml.find('>', at);
        if (end == std::string::npos) return "a tag without end";
        const auto tag = xml.substr(at + 1, end - at - 1);
        if (tag.find('<') != std::string::npos) return "a tag inside " + tag;
        const auto name = tag.substr(0, tag.find_first_of(" /", 1));
        if (tag[0] == '/') {
            if (open.empty() || "/" + open.back() != tag) return "unexpected " + tag;
            open.pop_back();
        } else if (tag.back() != '/') {
            open.push_back(name);
        }
    }
    return open.empty() ? "" : "open " + open.back();
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Graph hostile_host() {
    const auto evil = "<img src=x onerror=alert(1)>\"'&]]>\\\x1b[2J\n\x01\xff"s;
    Graph graph;
    graph.nodes.put(node(NodeKind::network, "web"));
    Node named = node(NodeKind::guest, evil);
    named.label = evil;
    named.problem = evil;
    named.attributes = {{evil, evil}};
    graph.nodes.put(named);
    graph.nodes.put(node(NodeKind::port, "vnet0", {{"mac", evil}}));
    graph.edges.put(edge(EdgeKind::plugged, network("web"), port("vnet0"), evil));
    graph.edges.put(edge(EdgeKind::plugged, port("vnet0"), guest(evil)));
    return graph;
}

std::string golden(const std::string& name) {
    std::ifstream file(std::string(NETD_SOURCE_DIR) + "/tests/topology/golden/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("the picture of the sample host is the one that a person looked at") {
    REQUIRE(to_svg(host()) == golden("host.svg"));
    REQUIRE(to_dot(host()) == golden("host.dot"));
    REQUIRE(to_mermaid(host()) == golden("host.mmd"));
}

TEST_CASE("the same host gives the same bytes, whatever road led to it") {
    Graph graph;
    std::vector<Node> nodes;
    for (const Node& node : host().nodes) nodes.push_back(node);
    for (auto each = nodes.rbegin(); each != nodes.rend(); ++each) graph.nodes.put(*each);
    graph.edges = host().edges;
    REQUIRE(to_svg(graph) == to_svg(host()));
}

TEST_CASE("the picture is well-formed, stands alone and says in words what it says in colours") {
    const auto svg = to_svg(host());
    REQUIRE(fault_in(svg) == "");
    for (const auto* part : {"<script", "href", "url(", "@import", "foreignObject", "onload"}) REQUIRE_FALSE(has(svg, part));
    REQUIRE(has(svg, "prefers-color-scheme:dark"));
    REQUIRE(has(svg, "data-node=\"network:ovirtmgmt\""));
    REQUIRE(has(svg, "data-from=\"bond:bond0\" data-to=\"vlan:bond0.100\""));
    REQUIRE(has(svg, "<text class=\"tag\""));
    REQUIRE(has(svg, "▲ DRIFT mtu is 1500, wanted 9000"));
    REQUIRE(has(svg, "class=\"state\">no carrier<"));
}

TEST_CASE("a title is as wide as the widest of the usual fonts writes it, and no converter has to know a shorthand") {
    REQUIRE(pixels_of("web-of-the-20-department-in-pra…", Font::title) > 257);  // DejaVu Sans Bold
    REQUIRE_FALSE(has(to_svg(host()), "{font:"));
}

TEST_CASE("an empty host has a picture too") {
    const auto svg = to_svg(Graph{});
    REQUIRE(fault_in(svg) == "");
    REQUIRE(has(svg, "Nothing to show"));
}

TEST_CASE("a guest's name is a text in every picture, and never a part of it") {
    const auto svg = to_svg(hostile_host());
    REQUIRE(fault_in(svg) == "");
    REQUIRE_FALSE(has(svg, "<img"));
    REQUIRE(has(svg, "&lt;img src=x"));
    REQUIRE(is_utf8(svg));
    for (const char c : svg) REQUIRE((static_cast<unsigned char>(c) >= ' ' || c == '\n'));

    const auto dot = to_dot(hostile_host());
    REQUIRE(has(dot, "\\\"'&]]>\\\\\\\\x1b[2J"));
    REQUIRE_FALSE(has(dot, ">\"'"));
    REQUIRE(is_utf8(dot));

    const auto mermaid = to_mermaid(hostile_host());
    REQUIRE_FALSE(has(mermaid, "<img"));
    REQUIRE(is_utf8(mermaid));
}

TEST_CASE("a name with a line feed can't pretend to be another line of what is known") {
    Graph graph;
    graph.nodes.put(node(NodeKind::guest, "x\nowner: netd: network web"));
    REQUIRE_FALSE(has(to_svg(graph), "\nowner: netd"));
    REQUIRE(has(to_svg(graph), "\nowner: foreign"));
}

TEST_CASE("each format's own characters are told by what it offers for them") {
    REQUIRE(xml_escaped("a<b>&\"'\x01\xff") == "a&lt;b&gt;&amp;&quot;&#39;\\x01\\xff");
    REQUIRE(dot_escaped("a\"b\\n\n") == "a\\\"b\\\\n\\\\x0a");
    REQUIRE(mermaid_escaped("a\"]<b>") == "a#34;#93;#60;b#62;");
    REQUIRE(xml_escaped("сеть 网") == "сеть 网");
}

TEST_CASE("an edge to nowhere is no line in a picture") {
    Graph graph = host();
    graph.edges.put(edge(EdgeKind::plugged, network("web"), port("gone")));
    REQUIRE(to_svg(graph) == to_svg(host()));
    REQUIRE(to_mermaid(graph) == to_mermaid(host()));
    REQUIRE(to_dot(graph) == to_dot(host()));
}

}  // namespace svg_test
