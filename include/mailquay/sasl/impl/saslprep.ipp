#include <mailquay/sasl/saslprep.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/secret.hpp>
#include <mailquay/base/utf8.hpp>

#include <algorithm>
#include <vector>

#if MAILQUAY_SASLPREP
#include <unicode/usprep.h>
#include <unicode/ustring.h>
#endif

namespace mailquay::inline MAILQUAY_ABI::sasl {

#if MAILQUAY_SASLPREP
namespace detail {

// ICU's code units of a password; wiped when done.
struct unit_room {
    explicit unit_room(std::size_t count) : units(count) {}
    ~unit_room() { wipe(std::span<char>{reinterpret_cast<char*>(units.data()), units.size() * sizeof(UChar)}); }
    int32_t size() const noexcept { return static_cast<int32_t>(units.size()); }
    std::vector<UChar> units;
};

inline std::optional<std::string> prepare_by_icu(std::string_view text, saslprep_use use) {
    static UStringPrepProfile* const profile = [] {
        UErrorCode failed = U_ZERO_ERROR;
        return usprep_openByType(USPREP_RFC4013_SASLPREP, &failed);  // never closed: as long as the process
    }();
    if (profile == nullptr) return std::nullopt;
    UErrorCode status = U_ZERO_ERROR;
    unit_room given{text.size() + 1};
    int32_t count = 0;
    u_strFromUTF8(given.units.data(), given.size(), &count, text.data(), static_cast<int32_t>(text.size()), &status);
    if (U_FAILURE(status)) return std::nullopt;
    // NFKC makes at most 18 code units of one (U+FDFA).
    unit_room made{text.size() * 18 + 1};
    int32_t const options = use == saslprep_use::query ? USPREP_ALLOW_UNASSIGNED : USPREP_DEFAULT;
    int32_t const length = usprep_prepare(profile, given.units.data(), count, made.units.data(), made.size(), options, nullptr, &status);
    if (U_FAILURE(status) || length == 0) return std::nullopt;
    std::string out(static_cast<std::size_t>(length) * 3, '\0');
    int32_t octets = 0;
    u_strToUTF8(out.data(), static_cast<int32_t>(out.size()), &octets, made.units.data(), length, &status);
    if (U_FAILURE(status)) {
        wipe(out);
        return std::nullopt;
    }
    out.resize(static_cast<std::size_t>(octets));
    return out;
}

}  // namespace detail
#endif

MAILQUAY_DECL bool saslprep_built() noexcept { return MAILQUAY_SASLPREP != 0; }

MAILQUAY_DECL std::optional<std::string> saslprep(std::string_view text, saslprep_use use) {
    // As long as the longest line of AUTH; also keeps lengths within what ICU counts with.
    if (text.empty() || text.size() > 12'288) return std::nullopt;
    if (is_ascii(text)) {
        bool const printable = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c != 0x7f; });
        return printable ? std::optional<std::string>{text} : std::nullopt;
    }
#if MAILQUAY_SASLPREP
    if (!valid_utf8(text)) return std::nullopt;
    return detail::prepare_by_icu(text, use);
#else
    static_cast<void>(use);
    return std::nullopt;
#endif
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
