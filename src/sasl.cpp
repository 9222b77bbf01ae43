// The component 'sasl', compiled: the list of its parts.

#include <mailquay/sasl/impl/client_mechanisms.ipp>
#include <mailquay/sasl/impl/credentials.ipp>
#include <mailquay/sasl/impl/exchanges.ipp>
#include <mailquay/sasl/impl/guarded.ipp>
#include <mailquay/sasl/impl/hashing.ipp>
#include <mailquay/sasl/impl/host_credentials.ipp>
#include <mailquay/sasl/impl/mechanisms.ipp>
#include <mailquay/sasl/impl/messages.ipp>
#include <mailquay/sasl/impl/password_file.ipp>
#include <mailquay/sasl/impl/saslprep.ipp>
#include <mailquay/sasl/impl/scram_exchange.ipp>
#include <mailquay/sasl/impl/scram_verifier.ipp>
#include <mailquay/sasl/impl/user_map.ipp>
#include <mailquay/sasl/impl/user_table.ipp>
