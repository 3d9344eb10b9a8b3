// What the kernel can do, found out by requests that no kernel carries out.
#pragma once

#include "bridges/kernel.hpp"
#include "bridges/nl_socket.hpp"

namespace bridges {

Result<Abilities> probe(RequestSocket& socket);

}  // namespace bridges
