#pragma once

#include <mailquay/handler/tls_connector.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL tls_client_stream::~tls_client_stream() = default;
MAILQUAY_DECL tls_connector::~tls_connector() = default;

}  // namespace mailquay::inline MAILQUAY_ABI
