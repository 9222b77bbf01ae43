// The component 'tls', compiled: the list of its parts.

#include <mailquay/tls/impl/client_context.ipp>
#include <mailquay/tls/impl/context.ipp>
#include <mailquay/tls/impl/openssl_error.ipp>
