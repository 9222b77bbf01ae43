#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/handler/detail/file_stamp.hpp>
#include <mailquay/tls/context.hpp>
#include <mailquay/tls/impl/openssl_stream.ipp>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

// Certificates and keys: read, checked, and named when they are wrong.

namespace mailquay::inline MAILQUAY_ABI::tls::detail {

/// A file as it was when it was read, to see later whether it has changed.
struct file_read {
    explicit file_read(std::string const& name) : path(name), was(mailquay::detail::file_stamp::of(name)) {}

    std::string path;
    std::optional<mailquay::detail::file_stamp> was;
    bool unopened = false;  // for whatever reason; it has changed as soon as it can be opened

    bool changed() const { return mailquay::detail::file_stamp::of(path) != was || (unopened && std::ifstream{path}.is_open()); }
};

/// Where PEM text comes from, and what it is called where something is wrong with it.
struct pem_source {
    std::string what;  // "certificate", "key", "client CA"
    std::string const& file;
    std::string const& text;

    std::string name() const { return file.empty() ? what + " given as PEM" : fmt::format("{} file \"{}\"", what, file); }
};

/// A certificate that was read and found well.
struct loaded_certificate {
    x509_ptr leaf{};
    std::vector<x509_ptr> chain{};
    key_ptr key{};
    std::vector<std::string> names{};  // lower case, sorted
};

inline std::string reason_of_openssl() { return take_openssl_error().message(); }

inline std::string date_of(ASN1_TIME const* time) {
    bio_ptr const text{::BIO_new(::BIO_s_mem())};
    if (!text || ::ASN1_TIME_print(text.get(), time) != 1) return "an unreadable date";
    char* octets = nullptr;
    long const size = BIO_get_mem_data(text.get(), &octets);
    return {octets, static_cast<std::size_t>(std::max(size, 0L))};
}

/// @return the PEM text, or nothing and a sentence in `problems`
inline std::optional<std::string> read_pem(pem_source const& from, std::vector<file_read>& files_read, std::vector<std::string>& problems) {
    if (from.file.empty() && from.text.empty()) {
        problems.push_back(fmt::format("tls: no {} is given; name its file, or give it as PEM text", from.what));
        return std::nullopt;
    }
    if (from.file.empty()) return from.text;
    files_read.emplace_back(from.file);
    errno = 0;
    std::ifstream in{from.file, std::ios::binary};
    files_read.back().unopened = !in.is_open();
    std::string text;
    for (std::array<char, 4096> piece; in.read(piece.data(), piece.size()) || in.gcount() > 0;)
        text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (in.is_open() && !in.bad() && !text.empty()) return text;
    std::string const why = errno != 0 ? std::generic_category().message(errno) : "it is empty";
    problems.push_back(fmt::format("tls: {} cannot be read: {}; check the path, and that this user may read it", from.name(), why));
    return std::nullopt;
}

/// @return the certificates of the text, perhaps none; or nothing and a sentence in `problems` if one of them is cut off or damaged
inline std::optional<std::vector<x509_ptr>> read_certificates(pem_source const& from, std::string_view pem, std::vector<std::string>& problems) {
    std::vector<x509_ptr> all;
    ::ERR_clear_error();
    bio_ptr const in{::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    while (in) {
        x509_ptr one{::PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
        if (!one) break;
        all.push_back(std::move(one));
    }
    unsigned long const ended = ::ERR_peek_last_error();
    bool const at_the_end = ERR_GET_LIB(ended) == ERR_LIB_PEM && ERR_GET_REASON(ended) == PEM_R_NO_START_LINE;
    std::string const why = at_the_end ? "" : reason_of_openssl();
    ::ERR_clear_error();
    if (at_the_end) return all;
    problems.push_back(fmt::format("tls: certificate {} in {} is cut off or damaged: {}; copy the whole file anew", all.size() + 1, from.name(), why));
    return std::nullopt;
}

/// A key with a password is not asked for it: nobody might be there to answer.
inline int no_password(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

inline void add_name(std::vector<std::string>& names, ASN1_STRING const* given) {
    std::string_view name{reinterpret_cast<char const*>(::ASN1_STRING_get0_data(given)),
                          static_cast<std::size_t>(::ASN1_STRING_length(given))};
    if (name.empty() || name.find('\0') != name.npos) return;
    std::string lower;
    for (char const c : name) lower += to_lower(c);
    names.push_back(std::move(lower));
}

/// The host names a certificate is for: subjectAltName, or the common name where there is none (RFC 6125 §6.4.4).
inline std::vector<std::string> names_of(X509* of) {
    std::vector<std::string> names;
    using names_ptr = std::unique_ptr<GENERAL_NAMES, freed_by<::GENERAL_NAMES_free>>;
    names_ptr const alternatives{static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(of, NID_subject_alt_name, nullptr, nullptr))};
    for (int i = 0; alternatives && i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
        GENERAL_NAME const* const one = sk_GENERAL_NAME_value(alternatives.get(), i);
        if (one->type == GEN_DNS) add_name(names, one->d.dNSName);
    }
    if (names.empty()) {
        X509_NAME const* const subject = ::X509_get_subject_name(of);
        int const at = ::X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
        if (at >= 0) add_name(names, ::X509_NAME_ENTRY_get_data(::X509_NAME_get_entry(subject, at)));
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// What is wrong with the dates of a certificate, with the cure; empty if nothing is.
inline std::string fault_of_dates(X509 const* of, std::string_view cure) {
    if (::X509_cmp_current_time(::X509_get0_notAfter(of)) < 0)
        return fmt::format("has expired on {}; {}", date_of(::X509_get0_notAfter(of)), cure);
    if (::X509_cmp_current_time(::X509_get0_notBefore(of)) > 0)
        return fmt::format("is valid from {} only; check the clock, or wait", date_of(::X509_get0_notBefore(of)));
    return {};
}

/// By name, key identifier, what the issuer's key is for, and the signature.
inline bool was_issued_by(X509* subject, X509* issuer) {
    bool const well = ::X509_check_issued(issuer, subject) == X509_V_OK && ::X509_verify(subject, ::X509_get0_pubkey(issuer)) == 1;
    ::ERR_clear_error();
    return well;
}

/// Looks for a way from the first certificate of a file, each issued by the next, to one that signed itself or whose issuer is
/// not in the file. It is all a client needs; what else is there (cross-signed, twice, in another order) does no harm.
class way_of_chain {
public:
    explicit way_of_chain(std::vector<x509_ptr> const& all) : all_(all), seen_(all.size()) { found_ = leads_out(0); }

    bool found() const noexcept { return found_; }
    /// By index, the first certificate included.
    std::vector<std::size_t> const& links() const noexcept { return links_; }
    /// One that no way gets past, as it is out of date.
    std::size_t out_of_date() const noexcept { return out_of_date_; }
    std::string const& fault() const noexcept { return fault_; }

private:
    // Each certificate is looked at once, however many ways lead to it.
    bool leads_out(std::size_t at) {
        seen_[at] = true;
        links_.push_back(at);
        if (was_issued_by(all_[at].get(), all_[at].get())) return true;
        bool ends = true;
        for (std::size_t next = 1; next < all_.size(); ++next) {
            // Authorities that signed each other: the way does not come back.
            if (std::find(links_.begin(), links_.end(), next) != links_.end()) continue;
            if (!was_issued_by(all_[at].get(), all_[next].get())) continue;
            ends = false;
            if (seen_[next]) continue;
            if (auto fault = fault_of_dates(all_[next].get(), "take the chain anew from who issued the certificate"); !fault.empty()) {
                if (fault_.empty()) out_of_date_ = next, fault_ = std::move(fault);
                continue;
            }
            if (leads_out(next)) return true;
        }
        if (ends) return true;
        links_.pop_back();
        return false;
    }

    std::vector<x509_ptr> const& all_;
    std::vector<bool> seen_;
    std::vector<std::size_t> links_{};
    std::size_t out_of_date_ = 0;
    std::string fault_{};
    bool found_ = false;
};

inline bool same_certificate(x509_ptr const& one, x509_ptr const& other) { return ::X509_cmp(one.get(), other.get()) == 0; }

/// @return what is to be sent behind the first certificate: the way that clients go, then the others that are in date, none twice; or
///         nothing and a sentence in `problems`. Clients would refuse such a chain, and say so to nobody here.
inline std::optional<std::vector<x509_ptr>> order_chain(pem_source const& from, std::vector<x509_ptr> const& all, std::vector<std::string>& problems) {
    way_of_chain const way{all};
    if (!way.found()) {
        problems.push_back(fmt::format("tls: certificate {} in {} {}", way.out_of_date() + 1, from.name(), way.fault()));
        return std::nullopt;
    }
    bool const others = std::any_of(all.begin(), all.end(), [&](x509_ptr const& one) { return !same_certificate(one, all.front()); });
    if (others && way.links().size() == 1 && !was_issued_by(all.front().get(), all.front().get())) {
        problems.push_back(fmt::format("tls: none of the certificates behind the first in {} issued it; put the server's own certificate "
                                       "first, and behind each the one that issued it", from.name()));
        return std::nullopt;
    }
    std::vector<x509_ptr> sent;
    auto const send = [&](x509_ptr const& one) {
        if (same_certificate(one, all.front()) || std::any_of(sent.begin(), sent.end(), [&](x509_ptr const& other) { return same_certificate(one, other); })) return;
        ::X509_up_ref(one.get());
        sent.emplace_back(one.get());
    };
    for (std::size_t const link : way.links()) send(all[link]);
    for (x509_ptr const& one : all)
        if (fault_of_dates(one.get(), {}).empty()) send(one);
    return sent;
}

/// @return a certificate that can serve now, or nothing and why in `problems`
inline std::optional<loaded_certificate> load(certificate const& given, std::vector<file_read>& files_read, std::vector<std::string>& problems) {
    pem_source const chain_source{"certificate", given.chain_file, given.chain_pem};
    pem_source const key_source{"key", given.key_file, given.key_pem};
    auto const chain_text = read_pem(chain_source, files_read, problems);
    auto key_text = read_pem(key_source, files_read, problems);
    if (!chain_text || !key_text) return std::nullopt;
    auto const wrong = [&](std::string problem) {
        problems.push_back(std::move(problem));
        return std::nullopt;
    };

    bool password_asked = false;
    loaded_certificate made;
    {
        bio_ptr const in{::BIO_new_mem_buf(key_text->data(), static_cast<int>(key_text->size()))};
        made.key.reset(::PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, &password_asked));
        ::OPENSSL_cleanse(key_text->data(), key_text->size());
    }
    if (password_asked)
        return wrong(fmt::format("tls: {} is protected by a password; take that away (openssl pkey -in FILE -out FILE) and let only "
                                 "this user read it", key_source.name()));
    if (!made.key) return wrong(fmt::format("tls: {} holds no private key in PEM: {}; give one", key_source.name(), reason_of_openssl()));

    auto read = read_certificates(chain_source, *chain_text, problems);
    if (!read) return std::nullopt;
    auto& all = *read;
    if (all.empty()) return wrong(fmt::format("tls: {} holds no certificate in PEM; give one, with its chain behind it", chain_source.name()));
    if (::X509_check_private_key(all.front().get(), made.key.get()) != 1) {
        ::ERR_clear_error();
        return wrong(fmt::format("tls: the key of {} does not belong to the certificate of {}; give the key it was made with, and put "
                                 "the server's own certificate first in its file", key_source.name(), chain_source.name()));
    }
    if (auto const fault = fault_of_dates(all.front().get(), "renew it"); !fault.empty())
        return wrong(fmt::format("tls: the certificate of {} {}", chain_source.name(), fault));
    auto chain = order_chain(chain_source, all, problems);
    if (!chain) return std::nullopt;
    made.chain = std::move(*chain);
    made.leaf = std::move(all.front());
    made.names = names_of(made.leaf.get());
    return made;
}

}  // namespace mailquay::inline MAILQUAY_ABI::tls::detail
