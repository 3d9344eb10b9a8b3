// See rule_tables.hpp.
#include "bridges/rule_tables.hpp"

namespace bridges {

Result<RuleTables> RuleTables::open(Services services) {
    RuleTables opened{FilterTable::open(), HostTable::open(std::move(services))};
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

Result<> RuleTables::forget_filters(const std::set<IfName>& released, KernelMirror& mirror) {
    auto forgotten = filters.forget_all_but(mirror.state().links, released);
    if (!released.empty()) tell(mirror);
    return forgotten;
}

}  // namespace bridges
