#include "common/users.hpp"

#ifdef PROGRAMS_HAVE_SASL
#include <mailquay/sasl/dovecot.hpp>
#include <mailquay/sasl/guarded.hpp>
#include <mailquay/sasl/mechanisms.hpp>
#include <mailquay/sasl/password_file.hpp>
#include <mailquay/sasl/user_table.hpp>
#include <mailquay/server/memory_store.hpp>
#endif
#ifdef PROGRAMS_HAVE_STORE
#include <mailquay/base/random.hpp>
#include <mailquay/store/sqlite.hpp>
#endif

#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace programs {

void add_user_flags(flags& all, users& into) {
    // As secrets: they are overwritten once they were taken over.
    auto const keep = [](std::vector<mailquay::secret>& where) { return [&where](std::string_view given) { where.emplace_back(given); }; };
    all.value("--user", "NAME:PASSWORD", "this user may log in; repeatable; the password shows in ps(1): for tests,\nelse give --password-file",
              keep(into.named))
        .text("--password-file", "FILE", "who may log in: lines NAME:HASH, with hashes of crypt(3) or SCRAM verifiers;\nread again when it changes",
              into.password_file)
        .text("--auth-socket", "PATH", "ask Dovecot at its auth-client socket", into.auth_socket)
        .value("--token", "NAME:TOKEN", "this bearer token is that user's (OAUTHBEARER, XOAUTH2); repeatable; it shows in\nps(1): for tests",
               keep(into.tokens))
        .toggle("--auth-certificates", "a client certificate logs in the user it names (EXTERNAL);\nneeds --tls-client-cert", into.certificates)
        .toggle("--auth-cram-md5", "offer CRAM-MD5 to clients that know nothing better; needs --user", into.cram_md5)
        .text("--auth-store", "FILE", "keep failures, and the networks users come from, in this database over a restart;\nthe key to it is kept in FILE.key",
              into.store)
        .toggle("--auth-without-tls", "take passwords in clear; for tests and closed networks", into.in_clear);
}

void check_users(users const& chosen, tls_settings const& tls) {
    if (!chosen.any() && !chosen.store.empty())
        throw usage_error("--auth-store: nobody can log in, so there is nothing to keep; add --user, --password-file or --auth-socket");
    if (!chosen.any()) return;
    if (tls.certificates.empty() && !chosen.in_clear)
        throw usage_error("--tls-cert is missing: without TLS passwords travel in clear; add --tls-cert and --tls-key, or say "
                          "by --auth-without-tls that this is wanted");
    if (chosen.certificates && tls.client_certificates != "request" && tls.client_certificates != "require")
        throw usage_error("--auth-certificates: no client is asked for a certificate; add --tls-client-cert request, or require, and "
                          "--tls-client-ca");
}

#ifdef PROGRAMS_HAVE_SASL
namespace {

// NAME:SECRET. The value is not repeated in a complaint: it may be a password.
std::pair<std::string_view, std::string_view> named_secret(std::string_view flag, std::string_view given) {
    auto const colon = given.find(':');
    if (colon == 0 || colon == std::string_view::npos || colon + 1 == given.size())
        throw usage_error(std::string(flag) + " needs a name and a secret with a colon between, as in " + std::string(flag) + " alice:secret");
    return {given.substr(0, colon), given.substr(colon + 1)};
}

mailquay::sasl::user_table table_of_users(std::vector<mailquay::secret>& given) {
    mailquay::sasl::user_table table;
    for (mailquay::secret& one : given) {
        auto const [name, password] = named_secret("--user", one.reveal());
        try {
            table.add(name, mailquay::secret_view{password});
        } catch (std::invalid_argument const& wrong) {
            throw usage_error(std::string("--user: ") + wrong.what());
        }
        one.clear();
    }
    return table;
}

mailquay::sasl::token_checker checker_of(std::vector<mailquay::secret>& given) {
    auto known = std::make_shared<std::vector<std::pair<std::string, mailquay::secret>>>();
    for (mailquay::secret& one : given) {
        auto const [name, token] = named_secret("--token", one.reveal());
        known->emplace_back(name, mailquay::secret{token});
        one.clear();
    }
    using answer = mailquay::result<std::optional<std::string>>;
    return [known](mailquay::sasl::token_request asked) -> mailquay::eventual<answer> {
        for (auto const& [name, token] : *known)
            if (mailquay::equal_constant_time(token.reveal(), asked.token.reveal()) && (asked.user.empty() || asked.user == name))
                return answer{std::optional{name}};
        return answer{std::optional<std::string>{}};
    };
}

// "CN=alice,O=Example": alice. What needs more than that to be read is nobody.
std::optional<std::string> common_name(mailquay::tls_info const& tls) {
    std::string_view const subject = tls.client_identity;
    std::size_t const begin = subject.starts_with("CN=") ? 3 : subject.find(",CN=") == std::string_view::npos ? subject.size() : subject.find(",CN=") + 4;
    std::string_view const name = subject.substr(begin, subject.find(',', begin) - begin);
    if (name.empty() || subject.find_first_of("\\+\"") != std::string_view::npos) return std::nullopt;
    return std::string(name);
}

mailquay::sasl::mechanisms mechanisms_of(users& from, mailquay::logger log) {
    mailquay::sasl::mechanism_settings settings;
    settings.cram_md5 = from.cram_md5;
    settings.secrets_in_clear = from.in_clear;
    if (!from.password_file.empty()) {
        mailquay::sasl::password_file_settings reading;
        reading.log = std::move(log);
        return mailquay::sasl::mechanisms{mailquay::sasl::password_file{from.password_file, reading}, settings};
    }
    if (!from.named.empty()) return mailquay::sasl::mechanisms{table_of_users(from.named), settings};
    return mailquay::sasl::mechanisms{settings};
}

// Where failures are counted, and how.
struct counting {
    std::shared_ptr<mailquay::store> counters{};
    mailquay::sasl::guard_limits limits{};
};

#ifdef PROGRAMS_HAVE_STORE
[[noreturn]] void refuse_store(std::string const& file) {
    throw usage_error("--auth-store: \"" + file + "\" cannot be used: " + std::generic_category().message(errno) +
                      "; name a file that this user may write, in a folder that it may write");
}

// For this user only: the key is what keeps digests of names and secrets from being tried out.
std::string key_in(std::string const& file, mailquay::logger const& log) {
    std::string key(32, '\0');
    int const made = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made >= 0) {
        mailquay::random_bytes(std::as_writable_bytes(std::span{key}));
        bool const kept = ::write(made, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(made) == 0;
        int const why = errno;
        ::close(made);
        if (kept) return key;
        ::unlink(file.c_str());
        errno = why;
        refuse_store(file);
    }
    int const there = errno == EEXIST ? ::open(file.c_str(), O_RDONLY | O_CLOEXEC) : -1;
    if (there < 0) refuse_store(file);
    key.push_back('\0');  // to see that there is no more: of hexadecimal digits half would be taken
    auto const octets = ::read(there, key.data(), key.size());
    struct stat facts{};
    bool const others_may = ::fstat(there, &facts) == 0 && (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0;
    ::close(there);
    key.pop_back();
    if (octets != static_cast<ssize_t>(key.size()))
        throw usage_error("--auth-store: \"" + file + "\" is no key, which has 32 octets, not in hexadecimal digits nor with a line end; "
                          "remove it and the database, and both are made anew");
    if (others_may) log.warning([&] { return "--auth-store: others than its owner may use the key; chmod 600 " + file; });
    return key;
}

counting counting_in(std::string const& file, mailquay::logger const& log) {
    counting made;
    // SQLite makes its files as readable as this one.
    int const database = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (database < 0) refuse_store(file);
    ::close(database);
    made.limits.key = key_in(file + ".key", log);
    made.counters = std::make_shared<mailquay::stores::sqlite>(file);
    return made;
}
#else
counting counting_in(std::string const&, mailquay::logger const&) {
    throw usage_error("--auth-store: this program was built without the component \"store-sqlite\"; install SQLite, and build it");
}
#endif

counting counting_of(users const& from, mailquay::logger const& log) {
    if (!from.store.empty()) return counting_in(from.store, log);
    counting made;
    made.counters = std::make_shared<mailquay::memory_store>();
    return made;
}

}  // namespace

std::shared_ptr<mailquay::authenticator> authenticator_of(users& from, mailquay::logger log) {
    int const sources = int{!from.named.empty()} + int{!from.password_file.empty()} + int{!from.auth_socket.empty()};
    if (sources > 1)
        throw usage_error("--user, --password-file, --auth-socket: passwords come from one place; give one of them");
    auto const count = counting_of(from, log);
    if (!from.auth_socket.empty()) {
        mailquay::sasl::dovecot_settings settings;
        settings.secrets_in_clear = from.in_clear;
        settings.certificate = common_name;
        settings.log = std::move(log);
        return std::make_shared<mailquay::sasl::guarded>(mailquay::sasl::dovecot{from.auth_socket, settings}, count.counters, count.limits);
    }
    auto known = mechanisms_of(from, std::move(log));
    if (!from.tokens.empty()) known.bearer_tokens(checker_of(from.tokens));
    if (from.certificates) known.certificates(common_name);
    return std::make_shared<mailquay::sasl::guarded>(std::move(known), count.counters, count.limits);
}
#else
std::shared_ptr<mailquay::authenticator> authenticator_of(users&, mailquay::logger) {
    throw usage_error("--user: this program was built without the component \"sasl\"; install OpenSSL and libcrypt, and build it");
}
#endif

}  // namespace programs
