// See rule_tables.hpp.
#include "bridges/rule_tables.hpp"

namespace bridges {

Result<RuleTables> RuleTables::open(Services services) {
    RuleTables opened{FilterTable::open(), HostTable::open(std::move(services)), UnheardTable::open()};
    if (auto looked = opened.look(); !looked) return looked.error();
    return opened;
}

Result<> RuleTables::look() {
    if (auto looked = filters.look(); !looked) return looked;
    return host.look();
}

void RuleTables::tell(KernelMirror& mirror) {
    mirror.take_filters(filters.content(), filters.take_news());
    mirror.take_host_rules(host.stands());
}

Kernel::Restored RuleTables::take_restored(const topology::Keyed<Link>& links) {
    Kernel::Restored restored = filters.take_restored();
    restored.devices.merge(host.take_restored());
    restored.devices.merge(unheard.take_restored());
    restored.why = unheard.take_why();
    for (auto* names : {&restored.ports, &restored.devices}) std::erase_if(*names, [&](const IfName& name) { return !links.contains(name); });
    return restored;
}

Result<> RuleTables::forget_filters(const std::set<IfName>& released, KernelMirror& mirror) {
    auto forgotten = filters.forget_all_but(mirror.state().links, released);
    if (!released.empty()) tell(mirror);
    return forgotten;
}

}  // namespace bridges
