#pragma once

#include <mailquay/sasl/detail/hashing.hpp>

#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <atomic>
#include <memory>
#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

struct hash_counters {
    std::atomic<std::uint64_t> iterations{0};
    std::atomic<std::uint64_t> crypts{0};
    static hash_counters& all() noexcept {
        static hash_counters one;
        return one;
    }
};

inline unsigned char const* octets_of(std::string_view text) noexcept { return reinterpret_cast<unsigned char const*>(text.data()); }

inline EVP_MD const* evp_of(scram_hash hash) noexcept {
    return hash == scram_hash::sha1 ? EVP_sha1() : hash == scram_hash::sha256 ? EVP_sha256() : EVP_sha512();
}

// What libcrypto wrote, as a secret; nothing of it stays behind.
struct digest_room {
    unsigned char octets[EVP_MAX_MD_SIZE] = {};
    unsigned size = 0;
    ~digest_room() { wipe(std::span<char>{reinterpret_cast<char*>(octets), sizeof octets}); }
    std::string_view view() const noexcept { return {reinterpret_cast<char const*>(octets), size}; }
};

MAILQUAY_DECL secret digest(scram_hash hash, std::string_view octets) {
    digest_room room;
    if (EVP_Digest(octets.data(), octets.size(), room.octets, &room.size, evp_of(hash), nullptr) != 1)
        throw std::runtime_error("libcrypto: no digest for " + std::string{scram_name(hash)});
    return secret{room.view()};
}

MAILQUAY_DECL secret hmac(scram_hash hash, std::string_view key, std::string_view octets) {
    digest_room room;
    if (!HMAC(evp_of(hash), key.empty() ? "" : key.data(), static_cast<int>(key.size()), octets_of(octets), octets.size(), room.octets,
              &room.size))
        throw std::runtime_error("libcrypto: no HMAC for " + std::string{scram_name(hash)});
    return secret{room.view()};
}

MAILQUAY_DECL secret salted_password(scram_hash hash, secret_view password, std::string_view salt, unsigned iterations) {
    digest_room room;
    room.size = static_cast<unsigned>(digest_octets(hash));
    std::string_view const text = password.reveal();
    hash_counters::all().iterations += iterations;
    if (PKCS5_PBKDF2_HMAC(text.empty() ? "" : text.data(), static_cast<int>(text.size()), octets_of(salt), static_cast<int>(salt.size()),
                          static_cast<int>(iterations), evp_of(hash), static_cast<int>(room.size), room.octets) != 1)
        throw std::runtime_error("libcrypto: no PBKDF2 for " + std::string{scram_name(hash)});
    return secret{room.view()};
}

MAILQUAY_DECL std::string hmac_md5_hex(secret_view key, std::string_view octets) {
    digest_room room;
    std::string_view const text = key.reveal();
    if (!HMAC(EVP_md5(), text.empty() ? "" : text.data(), static_cast<int>(text.size()), octets_of(octets), octets.size(), room.octets,
              &room.size))
        throw std::runtime_error("libcrypto: no HMAC-MD5 (is it in FIPS mode?)");
    std::string digits;
    for (unsigned i = 0; i < room.size; ++i) {
        digits += "0123456789abcdef"[room.octets[i] >> 4];
        digits += "0123456789abcdef"[room.octets[i] & 0x0f];
    }
    return digits;
}

MAILQUAY_DECL bool crypt_fits(std::string const& hash, secret_view password) {
    ++hash_counters::all().crypts;
    std::string phrase{password.reveal()};
    if (phrase.find('\0') != std::string::npos) {
        wipe(phrase);
        return false;
    }
    // 32 KiB: not for the stack. It keeps the phrase, so it is wiped.
    auto const room = std::make_unique<crypt_data>();
    char const* const got = ::crypt_r(phrase.c_str(), hash.c_str(), room.get());
    bool const fits = got != nullptr && *got != '*' && equal_constant_time(got, hash);
    wipe(std::span<char>{reinterpret_cast<char*>(room.get()), sizeof(crypt_data)});
    wipe(phrase);
    return fits;
}

MAILQUAY_DECL hash_work hash_work_done() noexcept {
    hash_work done;
    done.iterations = hash_counters::all().iterations;
    done.crypts = hash_counters::all().crypts;
    return done;
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail
