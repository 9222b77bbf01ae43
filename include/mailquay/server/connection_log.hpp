#pragma once

#include <mailquay/base/log_fields.hpp>
#include <mailquay/session/delivery.hpp>
#include <mailquay/session/event.hpp>
#include <mailquay/session/session.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// The log lines of connections and messages: names and order of fields are a promise (docs/logging.md).
///
/// Each function builds its line; call it from a lambda given to `logger`, so that a disabled line costs one compare.
namespace mailquay::inline MAILQUAY_ABI::log_lines {

/// `connect id= client= local= proxy= health-check= authority= proxy-tls= proxy-cn=`; from `proxy` on for proxies only
MAILQUAY_DECL log_line connected(session_info const& client);
/// `refused-connect client= local= reply= rule=`; by a limit (`rule`), or by a verdict (then with the id)
MAILQUAY_DECL log_line refused_connect(session_info const& client, std::string_view reply, std::string_view rule);
MAILQUAY_DECL log_line refused_connect(session_info const& client, verdict const& given, reply_text const& usual);
/// `refused-connect client= local= rule=proxy why=`: no session began, because a proxy did not say well for whom it speaks.
MAILQUAY_DECL log_line refused_proxy(session_info const& proxy, std::string_view why);
/// `xclient id= client= was= helo= ptr= user=`: a client that may do so said whom it speaks for. `user` is what it claims.
MAILQUAY_DECL log_line xclient(session_info const& client, ip_endpoint const& was);
/// `refused id= client= stage= verb= from= to= reply= rule= delay=`
MAILQUAY_DECL log_line refused(session_info const& client, std::string_view stage, std::string_view verb, transaction const* mail,
                               recipient const* to, verdict const& given, reply_text const& usual);
/// The same for a command that is answered by a reply: `refused id= client= stage=command verb= reply=`
MAILQUAY_DECL log_line refused(session_info const& client, std::string_view verb, reply const& given);
/// The same for what the session refuses by itself: `refused id= client= stage=command|message verb= from= reply=`
MAILQUAY_DECL log_line refused_by_session(session_info const& client, command_refused const& what);
/// `accepted id= from= nrcpt= size= msgid= helo= client= ptr= tls= user= body= time=`
/// @param recipients  for how many it was accepted
MAILQUAY_DECL log_line accepted(transaction const& mail, std::size_t recipients, std::uint64_t octets, std::string_view message_id,
                                std::chrono::milliseconds in_sink);
/// `accepted id= reply=unsent`: the client did not get the 250 and will send the message again.
MAILQUAY_DECL log_line accepted_unsent(session_info const& client, std::string_view mail_id);
/// `aborted id= stage= octets= why= outcome=`
MAILQUAY_DECL log_line aborted(session_info const& client, std::string_view mail_id, std::string_view stage, std::uint64_t octets,
                               std::string_view why, bool outcome_unknown);
/// `tls id= client= protocol= cipher= group= sni= identity=`: the handshake succeeded
MAILQUAY_DECL log_line secured(session_info const& client);
/// `tls id= client= failed=`: it did not, or was not begun
MAILQUAY_DECL log_line not_secured(session_info const& client, std::string_view why);
/// `tls id= client= plaintext_dropped=`: octets came in clear behind STARTTLS, as from one who injects commands
MAILQUAY_DECL log_line plaintext_dropped(session_info const& client, std::size_t octets);
/// `auth id= client= mechanism= user= result= reply=`; the user where it is known for certain
MAILQUAY_DECL log_line authentication(session_info const& client, auth_finished const& how);
/// `closed id= why= commands= messages= recipients= syntax= sequence= refused= junk= auth=`
MAILQUAY_DECL log_line closed(session_info const& client, close_reason why, session::counts const& totals);

}  // namespace mailquay::inline MAILQUAY_ABI::log_lines

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/connection_log.ipp>
#endif
