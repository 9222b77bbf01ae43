#pragma once

#include <mailquay/session/extension.hpp>

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// The extensions a listener offers, in EHLO order.
///
/// Thread safety: built before the first session, then read only.
class MAILQUAY_API extension_registry {
public:
    /// PIPELINING, SIZE, 8BITMIME, SMTPUTF8 (if built with IDNA), ENHANCEDSTATUSCODES, CHUNKING, BINARYMIME, LIMITS, HELP.
    /// A host whose way onward does not keep any octet removes BINARYMIME.
    static extension_registry standard();
    /// Those that are on only if asked for, with their default settings: DSN (for everybody), REQUIRETLS, DELIVERBY,
    /// FUTURERELEASE, MT-PRIORITY, RRVS, PRDR.
    static extension_registry opt_in();

    /// Adds one, or replaces the one of the same keyword.
    /// @throws std::invalid_argument if a parameter or verb of it is another's already
    extension_registry& add(std::shared_ptr<extension const> added);
    /// Drops the one with this keyword; it is no fault if there is none. CHUNKING and 8BITMIME take BINARYMIME along.
    extension_registry& remove(std::string_view keyword);

    /// The extension with this keyword, or null. ASCII case is ignored.
    extension const* find(std::string_view keyword) const noexcept;
    /// Who reads this MAIL parameter, RCPT parameter or verb; null if nobody.
    extension const* for_mail(std::string_view keyword) const noexcept;
    extension const* for_recipient(std::string_view keyword) const noexcept;
    extension const* for_verb(std::string_view verb) const noexcept;
    /// The number of an extension's verb, in any case of letters, from 1 on; 0 if it is none. Holds while the registry is unchanged.
    std::size_t verb_number(std::string_view verb) const noexcept;
    /// Its name as the extension has it. @param number  from `verb_number()`, not 0
    std::string_view verb_name(std::size_t number) const noexcept { return verbs_[number - 1].keyword; }

    /// The EHLO reply for this client, ready to be sent.
    /// @param wall  the wall clock's last tick
    void append_ehlo(std::string& out, std::string_view hostname, session_info const& client, session_limits const& limits,
                     std::chrono::system_clock::time_point wall = {}) const;
    /// The line of one of them, if this client is offered it.
    static void append_line(std::string& out, extension const& one, session_info const& client, session_limits const& limits,
                            std::chrono::system_clock::time_point wall);
    bool empty() const noexcept { return all_.empty(); }
    /// @{ All of them in EHLO order; of a temporary registry as a value, so that a loop may go over it.
    std::vector<std::shared_ptr<extension const>> const& all() const& noexcept { return all_; }
    std::vector<std::shared_ptr<extension const>> all() && noexcept { return std::move(all_); }
    /// @}

private:
    struct entry {
        std::string_view keyword;
        extension const* reader;
    };
    static extension const* look_up(std::vector<entry> const& in, std::string_view keyword) noexcept;
    void index();

    std::vector<std::shared_ptr<extension const>> all_;
    std::vector<entry> names_;
    std::vector<entry> mail_;
    std::vector<entry> recipient_;
    std::vector<entry> verbs_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/session/impl/extension_registry.ipp>
#endif
