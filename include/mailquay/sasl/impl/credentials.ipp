#include <mailquay/sasl/credentials.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/handler/offload.hpp>
#include <mailquay/sasl/detail/hashing.hpp>
#include <mailquay/sasl/detail/then.hpp>
#include <mailquay/sasl/saslprep.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI::sasl {

MAILQUAY_DECL scram_verifier const* credentials::verifier(scram_hash wanted) const noexcept {
    auto const found = std::find_if(verifiers.begin(), verifiers.end(), [&](scram_verifier const& one) { return one.hash == wanted; });
    return found == verifiers.end() ? nullptr : &*found;
}

namespace detail {

inline bool is_crypt_text(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || c == '.' || c == '/'; });
}

// Where the salt of `hash` begins, given how many fields of its method stand before it.
inline std::size_t salt_begins(std::string_view hash) noexcept {
    std::size_t at = hash.find('$', 1) + 1;
    bool const rounds = hash.substr(at).starts_with("rounds=");
    if (hash.starts_with("$y$") || hash.starts_with("$2") || rounds) at = hash.find('$', at) + 1;
    return at;
}

}  // namespace detail

MAILQUAY_DECL std::string_view hash_cost(std::string_view hash) noexcept {
    struct method {
        std::string_view prefix;
        std::size_t digest;  // characters of it
        bool salt_apart;     // by a "$"
    };
    // Older ones (DES, MD5) are left out on purpose: they are broken by trying.
    static constexpr method methods[] = {{"$y$", 43, true}, {"$6$", 86, true}, {"$5$", 43, true},
                                         {"$2a$", 53, false}, {"$2b$", 53, false}, {"$2y$", 53, false}};
    if (hash.size() > 384) return {};
    for (method const& one : methods) {
        if (!hash.starts_with(one.prefix)) continue;
        std::size_t const salt = detail::salt_begins(hash);
        if (salt == 0 || salt >= hash.size()) return {};
        std::string_view rest = hash.substr(salt);
        if (one.salt_apart) {
            auto const end = rest.find('$');
            if (end == std::string_view::npos || end == 0 || !detail::is_crypt_text(rest.substr(0, end))) return {};
            rest.remove_prefix(end + 1);
        }
        if (rest.size() != one.digest || !detail::is_crypt_text(rest)) return {};
        return hash.substr(0, salt);
    }
    return {};
}

MAILQUAY_DECL std::optional<std::string> add_credential(credentials& into, std::string_view text) {
    if (text.empty()) return "no password behind the name";
    if (text.front() == '!' || text.front() == '*') return std::nullopt;
    if (text.starts_with("{PLAIN}")) {
        if (into.password) return "a second {PLAIN} for this name";
        auto prepared = saslprep(text.substr(7), saslprep_use::stored);
        if (!prepared) return "{PLAIN} holds what SASLprep (RFC 4013) forbids";
        into.password = secret::take(*prepared);
        return std::nullopt;
    }
    if (text.starts_with("SCRAM-") || text.starts_with("{SCRAM-")) {
        auto verifier = parse_scram_verifier(text);
        if (!verifier) return "not a SCRAM verifier: SCRAM-SHA-256$iterations:salt$stored:server, with at least 4096 iterations";
        if (into.verifier(verifier->hash)) return "a second verifier of this kind for this name";
        into.verifiers.push_back(*std::move(verifier));
        return std::nullopt;
    }
    for (std::string_view const scheme : {"{CRYPT}", "{SHA512-CRYPT}", "{SHA256-CRYPT}", "{BLF-CRYPT}"})
        if (text.starts_with(scheme)) {
            text.remove_prefix(scheme.size());
            break;
        }
    if (hash_cost(text).empty()) return "neither a hash of crypt(3) ($y$, $6$, $5$, $2b$), nor a SCRAM verifier, nor {PLAIN}";
    if (!into.hash.empty()) return "a second hash for this name";
    into.hash = text;
    return std::nullopt;
}

namespace detail {

/// A password and what it is held against; for a user who is not there, against something of the same cost.
struct password_check {
    std::shared_ptr<credentials const> user;
    credential_forms forms;
    secret password;

    bool needs_work() const noexcept {
        if (user && (!user->hash.empty() || user->password)) return !user->hash.empty();
        if (user && !user->verifiers.empty()) return true;
        return !forms.hash.empty() || !forms.passwords;
    }
    bool operator()() const {
        if (user && !user->hash.empty()) return crypt_fits(user->hash, password);
        if (user && user->password) return same(user->password->reveal());
        if (user && !user->verifiers.empty()) return fits(user->verifiers.back());
        return against_nobody();
    }

private:
    // Digests, so that not even the length of the password shows in the time.
    bool same(std::string_view kept) const {
        secret const mine = digest(scram_hash::sha256, password.reveal()), theirs = digest(scram_hash::sha256, kept);
        return equal_constant_time(mine.reveal(), theirs.reveal());
    }
    bool fits(scram_verifier const& kept) const {
        scram_verifier const made = make_scram_verifier(kept.hash, password, kept.salt, kept.iterations);
        return equal_constant_time(made.stored_key.reveal(), kept.stored_key.reveal());
    }
    bool against_nobody() const {
        if (!forms.hash.empty()) {
            static_cast<void>(crypt_fits(forms.hash, password));
        } else if (forms.passwords) {
            static_cast<void>(same("nobody"));
        } else {
            for (std::size_t i = scram_hashes.size(); i-- > 0;) {
                if (!forms.scram[i]) continue;
                std::string const salt(forms.scram_salt_octets[i], 's');
                static_cast<void>(make_scram_verifier(scram_hashes[i], password, salt, forms.scram_iterations[i]));
                break;
            }
        }
        return false;
    }
};

}  // namespace detail

MAILQUAY_DECL credential_store::~credential_store() = default;
MAILQUAY_DECL credential_forms credential_store::forms() const { return {}; }

MAILQUAY_DECL eventual<result<bool>> credential_store::check(std::string user, secret password, workers* pool) {
    using found = result<std::shared_ptr<credentials const>>;
    auto held = [this, pool, given = std::move(password)](found kept) mutable -> eventual<result<bool>> {
        if (!kept) return result<bool>{kept.error()};
        detail::password_check job{*std::move(kept), forms(), std::move(given)};
        if (!pool || !job.needs_work()) return result<bool>{job()};
        auto work = [checked = std::move(job)]() -> result<bool> { return checked(); };
        return offload(*pool, std::move(work));
    };
    return detail::then<result<bool>>(find(std::move(user)), std::move(held));
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
