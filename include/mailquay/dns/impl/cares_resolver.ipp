#include <mailquay/dns/cares_resolver.hpp>

#include <mailquay/dns/detail/dns_message.hpp>
#include <mailquay/dns/impl/cares_engine.ipp>

#include <asio/awaitable.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// What an answer of these servers stands for, or why it is none. `code` and the rest as in RFC 1035 §4.1.1.
inline std::optional<dns_failure> dns_failure_of(dns_reply const& reply, bool authenticated) {
    enum : unsigned { no_error = 0, no_such_name = 3 };
    if (reply.code != no_error && reply.code != no_such_name) return dns_failure{dns_errc::temporary};
    if (!reply.records.empty()) return std::nullopt;
    if (reply.referral) return dns_failure{dns_errc::temporary};
    auto const why = reply.code == no_such_name ? dns_errc::no_such_name : dns_errc::no_data;
    return dns_failure{why, reply.denied ? reply.ttl : std::chrono::seconds{0}, authenticated};
}

inline bool read_record(dns_reply const& reply, dns_reply::place place, dns_type type, ip_address& record) {
    return read_dns_record(reply, place, record) && record.is_v4() == (type == dns_type::a);
}
inline bool read_record(dns_reply const& reply, dns_reply::place place, dns_type, mx_record& record) {
    return read_dns_record(reply, place, record);
}
inline bool read_record(dns_reply const& reply, dns_reply::place place, dns_type, tlsa_record& record) {
    return read_dns_record(reply, place, record);
}
inline bool read_record(dns_reply const& reply, dns_reply::place place, dns_type type, std::string& record) {
    return type == dns_type::ptr ? read_dns_target(reply, place, record) : read_dns_text(reply, place, record);
}

template <class Record>
result<dns_records<Record>, dns_failure> read_records(dns_reply const& reply, dns_type type) {
    dns_records<Record> found;
    for (auto const place : reply.records) {
        Record record{};
        if (!read_record(reply, place, type, record)) return dns_failure{dns_errc::temporary};
        found.records.push_back(std::move(record));
    }
    return found;
}

/// Follows what the answers say from alias to alias.
template <class Record, class Engine>
asio::awaitable<result<dns_records<Record>, dns_failure>> look_up(std::weak_ptr<Engine> engine, std::shared_ptr<cares_facts> facts,
                                                                 std::string name, dns_type type) {
    using answer = result<dns_records<Record>, dns_failure>;
    auto const deadline = std::chrono::steady_clock::now() + facts->patience;
    std::chrono::seconds ttl = std::chrono::seconds::max();
    bool authenticated = facts->trusted;
    std::string asked = name;
    for (unsigned queries = 0; queries < dns_aliases; ++queries) {
        bool const edns = facts->edns;
        std::string query = dns_query(0, asked, type, edns);
        std::shared_ptr<Engine> here = engine.lock();
        if (!here) co_return answer{dns_failure{dns_errc::cancelled}};
        dns_octets octets = co_await Engine::ask(std::move(here), std::move(query), deadline);
        if (!octets) co_return answer{dns_failure{octets.error()}};
        std::optional<dns_reply> reply = read_dns_reply(*std::move(octets), asked, type);
        if (edns && reply && reply->code == 1) {  // FORMERR: a server from before EDNS (RFC 6891 §7)
            facts->edns = false;
            continue;
        }
        if (!reply) co_return answer{dns_failure{dns_errc::temporary}};
        authenticated = authenticated && reply->authenticated;
        // An alias without a word on what it stands for: the server did not follow it.
        bool const unfinished = reply->code == 0 && reply->records.empty() && !reply->denied && reply->name != asked;
        if (reply->name != asked) ttl = std::min(ttl, reply->ttl);
        if (unfinished) {
            std::optional<std::string> next = dns_name(reply->name);
            if (!next) co_return answer{dns_failure{dns_errc::temporary}};
            asked = *std::move(next);
            continue;
        }
        std::optional<dns_failure> failed = dns_failure_of(*reply, authenticated);
        if (failed) {
            failed->ttl = std::min(failed->ttl, ttl);
            co_return answer{*failed};
        }
        answer found = read_records<Record>(*reply, type);
        if (found) {
            found->ttl = std::min(reply->ttl, ttl);
            found->authenticated = authenticated;
            if (reply->name != name) found->name = reply->name;
        }
        co_return found;
    }
    co_return answer{dns_failure{dns_errc::temporary}};
}

/// @param asked  as it is asked for; nothing if that is no name
template <class Record, class Engine>
resolver::answer<Record> look_up_of(std::shared_ptr<Engine> const& engine, std::optional<std::string> asked, dns_type type) {
    if (!asked) return dns_errc::bad_name;
    return look_up<Record>(std::weak_ptr{engine}, engine->facts, *std::move(asked), type);
}

}  // namespace detail

MAILQUAY_DECL cares_resolver::cares_resolver(asio::any_io_executor executor, cares_settings settings)
    : engine_(std::make_shared<engine>(std::move(executor), settings)) {}
MAILQUAY_DECL cares_resolver::~cares_resolver() { engine_->stop(); }

MAILQUAY_DECL resolver::answer<ip_address> cares_resolver::a(std::string name) {
    return detail::look_up_of<ip_address>(engine_, detail::dns_name(name), detail::dns_type::a);
}
MAILQUAY_DECL resolver::answer<ip_address> cares_resolver::aaaa(std::string name) {
    return detail::look_up_of<ip_address>(engine_, detail::dns_name(name), detail::dns_type::aaaa);
}
MAILQUAY_DECL resolver::answer<mx_record> cares_resolver::mx(std::string name) {
    return detail::look_up_of<mx_record>(engine_, detail::dns_name(name), detail::dns_type::mx);
}
MAILQUAY_DECL resolver::answer<std::string> cares_resolver::txt(std::string name) {
    return detail::look_up_of<std::string>(engine_, detail::dns_name(name), detail::dns_type::txt);
}
MAILQUAY_DECL resolver::answer<std::string> cares_resolver::ptr(ip_address address) {
    return detail::look_up_of<std::string>(engine_, detail::reverse_dns_name(address), detail::dns_type::ptr);
}
MAILQUAY_DECL resolver::answer<tlsa_record> cares_resolver::tlsa(std::string name) {
    return detail::look_up_of<tlsa_record>(engine_, detail::dns_name(name), detail::dns_type::tlsa);
}

MAILQUAY_DECL std::vector<std::string> cares_resolver::servers() const { return engine_->servers(); }

}  // namespace mailquay::inline MAILQUAY_ABI
