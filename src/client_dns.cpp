// The component 'client', compiled: the list of its parts that ask the DNS, and of what hangs on it.

#include <mailquay/client/impl/dane.ipp>
#include <mailquay/client/impl/mta_sts.ipp>
#include <mailquay/client/impl/mta_sts_policy.ipp>
#include <mailquay/client/impl/mx_hosts.ipp>
#include <mailquay/client/impl/tls_demand.ipp>
#include <mailquay/client/impl/tls_report.ipp>
