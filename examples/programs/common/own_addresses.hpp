#pragma once

#include <mailquay/base/ip_address.hpp>

#include "common/settings.hpp"

#include <cstdint>
#include <vector>

namespace programs {

/// The addresses under which these listeners take mail for `port`: where MX leads to one of them, mail would come back. Of one on
/// all addresses those of the machine's interfaces, as they are now. Loopback is left out: nobody's MX should lead there.
std::vector<mailquay::ip_address> own_addresses(std::vector<listen_on> const& listeners, std::uint16_t port);

}  // namespace programs
