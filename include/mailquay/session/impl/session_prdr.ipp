#pragma once

#include <mailquay/session/impl/session.ipp>

#include <mailquay/protocol/replies.hpp>

namespace mailquay::inline MAILQUAY_ABI {

/// PRDR: 353, a reply for each recipient, one for the message. The last is positive as soon as one of the others is: a client
/// takes a negative one for "nobody has it", and what is kept cannot be taken back.
MAILQUAY_DECL void session::say_for_each(delivery const& given) {
    say(replies::per_recipient_follows);
    bool accepted = false;
    bool later = false;
    for (std::size_t i = 0; i < work_->mail.accepted_; ++i) {
        verdict const& one = given.is_single() ? given.all() : given.each()[i];
        if (one.accepts()) {
            accepted = true;
            say(one, replies::recipient_ok);
        } else {
            // No opinion of the host's is a fault of ours.
            bool const refused_for_good = one.kind() == verdict_kind::reject;
            later = later || !refused_for_good;
            say(one, refused_for_good ? replies::transaction_failed : replies::local_error);
        }
    }
    if (accepted) return say_outcome(accept());
    say(later ? replies::no_recipient_now : replies::no_recipient);
}

}  // namespace mailquay::inline MAILQUAY_ABI
