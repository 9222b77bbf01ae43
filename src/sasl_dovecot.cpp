// The component 'sasl', compiled: the list of its parts that do I/O.

#include <mailquay/sasl/impl/dovecot.ipp>
#include <mailquay/sasl/impl/dovecot_protocol.ipp>
