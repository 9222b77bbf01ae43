// The component 'dns', compiled: the list of its parts.

#include <mailquay/dns/impl/caching_resolver.ipp>
#include <mailquay/dns/impl/cares_engine.ipp>
#include <mailquay/dns/impl/cares_resolver.ipp>
#include <mailquay/dns/impl/dns_message.ipp>
#include <mailquay/dns/impl/dns_waiter.ipp>
