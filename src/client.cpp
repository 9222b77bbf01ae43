// The component 'client', compiled: the list of its parts.

#include <mailquay/client/impl/client.ipp>
#include <mailquay/client/impl/client_engine.ipp>
#include <mailquay/client/impl/hop_settings.ipp>
#include <mailquay/client/impl/message_content.ipp>
#include <mailquay/client/impl/next_hop.ipp>
#include <mailquay/client/impl/outgoing_message.ipp>
#include <mailquay/client/impl/send_report.ipp>
