#pragma once

#include <mailquay/handler/message_filter.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL filter_run::~filter_run() = default;
MAILQUAY_DECL eventual<verdict> filter_run::on_headers(std::string_view) { return pass(); }
MAILQUAY_DECL eventual<verdict> filter_run::on_chunk(std::span<char const>) { return pass(); }
MAILQUAY_DECL eventual<verdict> filter_run::on_end(message_edit&) { return pass(); }

MAILQUAY_DECL message_filter::~message_filter() = default;

}  // namespace mailquay::inline MAILQUAY_ABI
