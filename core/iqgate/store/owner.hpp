#pragma once
// Which process holds a scan, and whether it still lives.
#include <cstdint>
#include <string>

namespace iqgate::store {

/// host|boot|pid|start: names this process among all of a fleet, and after a restart.
std::string own_name();
/// On this host by asking the system; on another, when its lease has run out.
bool is_dead(const std::string& owner, std::int64_t lease_until, std::int64_t now);

}  // namespace iqgate::store
