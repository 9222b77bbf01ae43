#pragma once

#include <mailquay/handler/resolver.hpp>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::testing {

/// A `resolver` that answers what it was told to: records, aliases, failures and delays. For tests of what asks the DNS.
///
/// A name about which nothing was said does not exist; one about which something else was said has no data. Names compare
/// without case and final dot. Said twice, the last word counts; no records at all are no data.
///
/// Thread safety: safe.
///
/// @code
/// auto dns = std::make_shared<testing::fake_resolver>();
/// dns->mx_is("example.org", {{10, "mx1.example.org"}, {20, "mx2.example.org"}});
/// dns->a_is("mx1.example.org", {"192.0.2.1"});
/// dns->fails("a", "mx2.example.org", dns_errc::timed_out);
/// @endcode
class MAILQUAY_API fake_resolver final : public resolver {
public:
    fake_resolver();
    fake_resolver(fake_resolver const&) = delete;
    fake_resolver& operator=(fake_resolver const&) = delete;
    ~fake_resolver() override;

    /// @{ What look-ups find. Throws `std::invalid_argument` for what is no address (of this family).
    void a_is(std::string_view name, std::initializer_list<std::string_view> addresses);
    void aaaa_is(std::string_view name, std::initializer_list<std::string_view> addresses);
    void mx_is(std::string_view name, std::vector<mx_record> records);
    void txt_is(std::string_view name, std::vector<std::string> records);
    void ptr_is(std::string_view address, std::vector<std::string> names);
    void tlsa_is(std::string_view name, std::vector<tlsa_record> records);
    /// @}
    /// `alias` stands for `name`, whatever is asked for.
    void alias_is(std::string_view alias, std::string_view name);
    /// @param kind  "a", "aaaa", "mx", "txt", "ptr" (its name is the address) or "tlsa"; else throws `std::invalid_argument`
    void fails(std::string_view kind, std::string_view name, dns_failure why);
    /// Whether what is said from now on is found authenticated.
    void authenticated(bool secure);
    /// How long what is said from now on may be kept; an hour to begin with.
    void ttl(std::chrono::seconds keep);
    /// Look-ups from now on take so long, on the executor of who waits. Zero: answered at once.
    void takes(std::chrono::milliseconds delay);

    /// What was asked, in order, as "mx example.org".
    std::vector<std::string> asked() const;
    void forget_asked();

    answer<ip_address> a(std::string name) override;
    answer<ip_address> aaaa(std::string name) override;
    answer<mx_record> mx(std::string name) override;
    answer<std::string> txt(std::string name) override;
    answer<std::string> ptr(ip_address address) override;
    answer<tlsa_record> tlsa(std::string name) override;

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::testing

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/testing/impl/fake_resolver.ipp>
#endif
