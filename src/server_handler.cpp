// The component 'server', compiled: the list of its parts in handler/.

#include <mailquay/handler/impl/collecting_sink.ipp>
#include <mailquay/handler/impl/host_extension.ipp>
#include <mailquay/handler/impl/header_fixes.ipp>
#include <mailquay/handler/impl/interfaces.ipp>
#include <mailquay/handler/impl/mailbox_name.ipp>
#include <mailquay/handler/impl/message_edit.ipp>
#include <mailquay/handler/impl/message_filter.ipp>
#include <mailquay/handler/impl/per_shard.ipp>
#include <mailquay/handler/impl/pipeline.ipp>
#include <mailquay/handler/impl/profile.ipp>
#include <mailquay/handler/impl/quarantine.ipp>
#include <mailquay/handler/impl/recipient_table.ipp>
#include <mailquay/handler/impl/relay_for.ipp>
#include <mailquay/handler/impl/sender_policy.ipp>
#include <mailquay/handler/impl/storage_errors.ipp>
#include <mailquay/handler/impl/tls_connector.ipp>
#include <mailquay/handler/impl/uses_workers.ipp>
