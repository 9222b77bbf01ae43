// The component 'core', compiled: the list of its parts.

#include <mailquay/base/impl/base64.ipp>
#include <mailquay/base/impl/crc32c.ipp>
#include <mailquay/base/impl/idna.ipp>
#include <mailquay/base/impl/ip_address.ipp>
#include <mailquay/base/impl/log.ipp>
#include <mailquay/base/impl/log_fields.ipp>
#include <mailquay/base/impl/network_set.ipp>
#include <mailquay/base/impl/random.ipp>
#include <mailquay/base/impl/scrub.ipp>
#include <mailquay/base/impl/secret.ipp>

#include <mailquay/protocol/impl/address_literal.ipp>
#include <mailquay/protocol/impl/bare_line_end_finder.ipp>
#include <mailquay/protocol/impl/bdat_command.ipp>
#include <mailquay/protocol/impl/data_decoder.ipp>
#include <mailquay/protocol/impl/domain.ipp>
#include <mailquay/protocol/impl/hello_name.ipp>
#include <mailquay/protocol/impl/line_ending_normaliser.ipp>
#include <mailquay/protocol/impl/mail_command.ipp>
#include <mailquay/protocol/impl/mailbox.ipp>
#include <mailquay/protocol/impl/params.ipp>
#include <mailquay/protocol/impl/path.ipp>
#include <mailquay/protocol/impl/proxy_header.ipp>
#include <mailquay/protocol/impl/rcpt_command.ipp>
#include <mailquay/protocol/impl/refusal.ipp>
#include <mailquay/protocol/impl/reply.ipp>
#include <mailquay/protocol/impl/timestamp.ipp>
#include <mailquay/protocol/impl/verb.ipp>
#include <mailquay/protocol/impl/xclient.ipp>
#include <mailquay/protocol/impl/xforward.ipp>
#include <mailquay/protocol/impl/xtext.ipp>
#include <mailquay/protocol/params/impl/body.ipp>
#include <mailquay/protocol/params/impl/deliver_by.ipp>
#include <mailquay/protocol/params/impl/dsn.ipp>
#include <mailquay/protocol/params/impl/future_release.ipp>
#include <mailquay/protocol/params/impl/mt_priority.ipp>
#include <mailquay/protocol/params/impl/rrvs.ipp>
#include <mailquay/protocol/params/impl/size.ipp>

#include <mailquay/message/impl/date.ipp>
#include <mailquay/message/impl/field_capture.ipp>
#include <mailquay/message/impl/field_filter.ipp>
#include <mailquay/message/impl/header_scanner.ipp>
#include <mailquay/message/impl/header_walker.ipp>
#include <mailquay/message/impl/received.ipp>
#include <mailquay/message/impl/trace_fields.ipp>
#include <mailquay/message/impl/transaction_id.ipp>

#include <mailquay/session/impl/event.ipp>
#include <mailquay/session/impl/extension.ipp>
#include <mailquay/session/impl/extension_registry.ipp>
#include <mailquay/session/impl/session.ipp>
#include <mailquay/session/impl/session_config.ipp>
#include <mailquay/session/impl/transaction.ipp>
#include <mailquay/session/impl/verdict.ipp>
