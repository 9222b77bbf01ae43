#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/handler/recipient_validator.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

// Look-up by views and without regard to ASCII case where the table folds; equal keys have equal hashes in either case.
struct folding_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        std::uint64_t mixed = 0xcbf29ce484222325u;
        for (char c : text) mixed = (mixed ^ static_cast<unsigned char>(to_lower(c))) * 0x100000001b3u;
        return static_cast<std::size_t>(mixed ^ mixed >> 32);
    }
};
struct folding_equal {
    using is_transparent = void;
    bool fold = true;
    bool operator()(std::string_view a, std::string_view b) const noexcept { return fold ? iequals(a, b) : a == b; }
};

}  // namespace detail

/// A fixed table of who may receive: addresses, whole domains, aliases, postmaster.
///
/// What it says of a recipient:
/// - known: `accept().mailbox(id)`; an alias of several members: `accept().deliver_to(members)`;
/// - in a domain of the table, but not known: 550 5.1.1;
/// - in another domain: `pass()`, so that the next validator is asked.
///
/// **Mailbox ids.** The id of an address is the one given with `add()`, else the address itself: local part folded if the
/// domain folds, in quotes if it needs them, domain in lower-case A-labels. Ids are handed on as they are; sinks that make
/// file names of them encode them (`safe_mailbox_name()`).
///
/// **Case.** RFC 5321 §2.4 leaves the case of local parts to the host: they compare without regard to ASCII case, unless
/// `case_sensitive()` says otherwise for a domain. UTF-8 beyond ASCII is compared octet by octet. Domains may be given with
/// U-labels.
///
/// **Postmaster** (RFC 5321 §4.5.1) is accepted in each domain of the table, without a domain, and at the server's own name
/// if `hostname()` gave it. It goes to: an address of that name in the table, else the one set by `postmaster()`, else the
/// domain's own mailbox if it takes any user, else the first entry of the table.
///
/// Look-ups are O(1) and allocate nothing; the verdict that carries the id does. Thread safety: build it first; then it is
/// read only and may be asked by all shards at once. A bad argument throws `std::invalid_argument` naming it and the cure.
///
/// @code
/// recipient_table{"alice@example.org", "bob@example.org"}.alias("team@example.org", {"alice@example.org", "bob@example.org"})
/// @endcode
class MAILQUAY_API recipient_table final : public recipient_validator {
public:
    /// Most members of an alias, nested ones included; most aliases within aliases.
    static constexpr std::size_t max_members = max_alias_members;
    static constexpr std::size_t max_nesting = 10;

    recipient_table() = default;
    /// Each entry as for `add()`.
    recipient_table(std::initializer_list<std::string_view> addresses);
    explicit recipient_table(std::vector<std::string> const& addresses);
    ~recipient_table() override;

    /// One address, or `@example.org` for any user of that domain who is not in the table by name.
    /// @param mailbox  the id it resolves to; empty for the address itself
    recipient_table& add(std::string_view address, std::string_view mailbox = {}) &;
    recipient_table&& add(std::string_view address, std::string_view mailbox = {}) && { return std::move(add(address, mailbox)); }

    /// Any user of this domain, each with a mailbox of his own: the same as `add("@" + name)`.
    recipient_table& domain(std::string_view name) &;
    recipient_table&& domain(std::string_view name) && { return std::move(domain(name)); }

    /// `address` stands for `members`. Members that are in the table resolve to their mailboxes, aliases among them to their
    /// own members (loops are cut); others are handed to the sink as addresses, which it must be able to forward to.
    /// A recipient whose alias turns out to have too many members is answered 451; see `problems()`.
    recipient_table& alias(std::string_view address, std::vector<std::string> const& members) &;
    recipient_table&& alias(std::string_view address, std::vector<std::string> const& members) && {
        return std::move(alias(address, members));
    }

    /// `alice+x` is looked up as it is, then as `alice`; any user's mailbox is that without the extension. Cut at the
    /// first separator. Off by default.
    /// @param separator  '+' or '-', as a rule; not a letter, a digit, '.', '@' or a control character
    recipient_table& extension_separator(char separator) &;
    recipient_table&& extension_separator(char separator) && { return std::move(extension_separator(separator)); }

    /// Local parts of this domain compare with case. Before addresses of the domain are added.
    recipient_table& case_sensitive(std::string_view domain_name) &;
    recipient_table&& case_sensitive(std::string_view domain_name) && { return std::move(case_sensitive(domain_name)); }

    /// Where mail to postmaster goes.
    recipient_table& postmaster(std::string_view address) &;
    recipient_table&& postmaster(std::string_view address) && { return std::move(postmaster(address)); }

    /// The name of this server: postmaster is accepted there, whether it is a domain of the table or not.
    recipient_table& hostname(std::string_view name) &;
    recipient_table&& hostname(std::string_view name) && { return std::move(hostname(name)); }

    /// What is wrong with the table as a whole, one sentence each: aliases with too many members or too deep, members that
    /// are in a domain of the table but not known there. Empty if all is well.
    std::vector<std::string> problems() const;

    eventual<verdict> validate(transaction const& mail, recipient const& to) override;
    /// The same without a transaction.
    /// @param local_part   unquoted
    /// @param domain_name  lower-case A-labels or an address literal
    verdict find(std::string_view local_part, std::string_view domain_name) const;

private:
    struct target {
        std::string local_part;  // unquoted
        std::string domain;      // lower-case A-labels
    };
    struct user {
        std::string mailbox;
        std::vector<target> members;  // of an alias
    };
    using users = std::unordered_map<std::string, user, detail::folding_hash, detail::folding_equal>;
    struct domain_entry {
        bool fold = true;
        bool any_user = false;
        std::string any_mailbox;  // empty: each his own
        users by_name;
    };
    struct expansion;

    static target read_address(std::string_view address);
    static std::string read_domain(std::string_view name);
    static std::string text_of(target const& address);
    domain_entry& entry_of(std::string const& name);
    domain_entry const* find_domain(std::string_view name) const noexcept;
    user const* find_user(domain_entry const& in, std::string_view local_part) const noexcept;
    std::string_view without_extension(std::string_view local_part) const noexcept;
    std::string own_mailbox(domain_entry const& in, std::string_view local_part, std::string_view domain_name) const;
    user& put(target const& address);
    void expand(target const& member, expansion& into, std::size_t depth) const;
    verdict answer(user const& found) const;
    verdict answer_postmaster(domain_entry const* in, std::string_view domain_name) const;
    verdict answer_target(target const& address) const;

    std::unordered_map<std::string, domain_entry, detail::folding_hash, detail::folding_equal> domains_;
    std::vector<target> first_;       // the first entry, if any
    std::vector<target> postmaster_;  // what was set, if any
    std::string hostname_;
    char separator_ = '\0';
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/recipient_table.ipp>
#endif
