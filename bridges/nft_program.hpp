// nftables' own program, for what is put up once and read by people: whole texts. Nothing that happens often goes this way.
#pragma once

#include "topology/result.hpp"

#include <chrono>
#include <string>

namespace bridges {

// Whether the program is on this host.
bool has_nft_program();

// Carries out the text (nft(8)) in this process' network namespace, whole, or nothing of it. Waits for the program, and ends it
// when it takes longer than `patience`. Error: nft's own first line.
topology::Result<> run_nft(const std::string& text, std::chrono::milliseconds patience = std::chrono::seconds(20));

}  // namespace bridges
