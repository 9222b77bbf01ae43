#include <mailquay/message/trace_fields.hpp>

#include <mailquay/base/ascii.hpp>

#include <algorithm>
#include <cstddef>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

inline void append_trace_address(std::string& out, std::string_view address) {
    auto const start = static_cast<std::ptrdiff_t>(out.size());
    out.append(address);
    std::replace_if(out.begin() + start, out.end(), is_control, '?');
}

}  // namespace detail

MAILQUAY_DECL void append_return_path(std::string& out, std::string_view reverse_path) {
    out.append("Return-Path: <");
    detail::append_trace_address(out, reverse_path);
    out.append(">\r\n");
}

MAILQUAY_DECL void append_delivered_to(std::string& out, std::string_view mailbox) {
    out.append("Delivered-To: ");
    detail::append_trace_address(out, mailbox);
    out.append("\r\n");
}

}  // namespace mailquay::inline MAILQUAY_ABI
