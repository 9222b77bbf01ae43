#pragma once

#include <mailquay/handler/eventual.hpp>
#include <mailquay/handler/message_edit.hpp>
#include <mailquay/handler/message_needs.hpp>
#include <mailquay/session/transaction.hpp>
#include <mailquay/session/verdict.hpp>

#include <memory>
#include <span>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// One message on its way through one filter. A refusal ends the message; `pass()` and `accept()` both mean "go on".
///
/// Lifetimes: what is given stays valid until the answer. Calls do not overlap. Destroyed with the message, whatever
/// became of it.
struct MAILQUAY_API filter_run {
    virtual ~filter_run();
    /// @param header  the header section with its empty line, after the edits of the filters before; empty if the message
    ///                has none
    virtual eventual<verdict> on_headers(std::string_view header);
    /// @param octets  of the body, in order: CRLF lines, dots removed
    virtual eventual<verdict> on_chunk(std::span<char const> octets);
    /// The message is complete; the last chance to refuse, and the one to edit.
    virtual eventual<verdict> on_end(message_edit& message);
};

/// Looks at the content of messages; may refuse, put aside, and edit header fields. Filters run in the order given.
///
/// By its `needs()` a filter is shown: `none`: the end; `headers`: also the header section; `body`: also the body;
/// `edits`: all of that, and it may edit, for which the message is buffered. Octets are shown as they arrive, but to the
/// filters behind one that edits at the end of the message, when its edits are done.
///
/// Thread safety: called by all shards at once.
struct MAILQUAY_API message_filter {
    virtual ~message_filter();
    /// Asked once, at start.
    virtual message_needs needs() const = 0;
    /// Called at DATA, before the sink's `open()`. Null: this message is not for this filter.
    /// @param mail  outlives the run
    virtual std::unique_ptr<filter_run> begin(transaction const& mail) = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/message_filter.ipp>
#endif
