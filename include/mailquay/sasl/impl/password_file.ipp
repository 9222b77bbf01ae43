#include <mailquay/sasl/password_file.hpp>

#include <mailquay/handler/detail/file_stamp.hpp>
#include <mailquay/handler/offload.hpp>
#include <mailquay/sasl/detail/user_map.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>

namespace mailquay::inline MAILQUAY_ABI::sasl {

namespace detail {

/// What a file held when it was read.
struct password_table {
    user_map users;
    credential_forms forms;
};

[[noreturn]] inline void bad_password_file(std::filesystem::path const& file, std::string const& what) {
    throw std::runtime_error("password file " + file.string() + ": " + what);
}

inline secret read_password_file(std::filesystem::path const& file, std::size_t most) {
    std::ifstream in{file, std::ios::binary};
    if (!in) bad_password_file(file, std::string{"cannot be opened: "} + std::strerror(errno));
    in.seekg(0, std::ios::end);
    auto const size = static_cast<std::streamoff>(in.tellg());
    if (size < 0) bad_password_file(file, "cannot be read: it is no ordinary file");
    if (static_cast<std::uint64_t>(size) > most) bad_password_file(file, "is larger than password_file_settings::octets");
    in.seekg(0);
    std::string text(static_cast<std::size_t>(size), '\0');
    in.read(text.data(), size);
    if (in.gcount() != size) bad_password_file(file, "cannot be read to its end: was it changed meanwhile?");
    return secret::take(text);
}

inline std::shared_ptr<password_table const> users_of(std::filesystem::path const& file, secret const& whole) {
    auto const table = std::make_shared<password_table>();
    std::string_view rest = whole.reveal();
    for (std::size_t number = 1; !rest.empty(); ++number) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        auto const wrong_with = [&](std::string const& what) { bad_password_file(file, "line " + std::to_string(number) + ": " + what); };
        auto const colon = line.find(':');
        if (line.size() > 4096) wrong_with("is longer than 4096 octets");
        if (colon == std::string_view::npos) wrong_with("no colon behind the name: write name:hash");
        if (auto const wrong = table->users.add(line.substr(0, colon), line.substr(colon + 1))) wrong_with(*wrong);
    }
    // One that is being written in place is empty for a moment, and would shut everybody out.
    if (table->users.size() == 0) bad_password_file(file, "names no user; write a line name:hash for each, or name:! for one who may not in");
    table->forms = table->users.forms();
    return table;
}

}  // namespace detail

struct password_file::state {
    using time_point = std::chrono::steady_clock::time_point;

    state(std::filesystem::path from, password_file_settings with) : file(std::move(from)), settings(std::move(with)) {
        if (!settings.time) settings.time = machine_clock();
        read_at = mailquay::detail::file_stamp::of(file.string());
        table = detail::users_of(file, detail::read_password_file(file, settings.octets));
        next_look = settings.time->steady() + settings.recheck;
    }

    // Whether it is time to look at the file; whoever is told so looks.
    bool due() {
        std::lock_guard const lock{mutex};
        auto const now = settings.time->steady();
        if (now < next_look) return false;
        next_look = now + settings.recheck;
        return true;
    }

    void look() {
        std::lock_guard const one_at_a_time{reading};
        auto const stamp = mailquay::detail::file_stamp::of(file.string());
        if (read_at && stamp == read_at) return;
        read_at.reset();  // one that cannot be read is tried again: what was in the way may leave no trace in the file
        try {
            secret const whole = detail::read_password_file(file, settings.octets);
            read_at = stamp;  // also for a bad one, which is not read again until it changes
            told.clear();
            auto fresh = detail::users_of(file, whole);
            settings.log.info([&] { return "password file " + file.string() + " read again: " + std::to_string(fresh->users.size()) + " users"; });
            std::lock_guard const lock{mutex};
            table.swap(fresh);
        } catch (std::exception const& bad) {
            if (told == bad.what()) return;
            told = bad.what();
            settings.log.error([&] { return told + "; going on with the one before"; });
        }
    }

    std::shared_ptr<detail::password_table const> now() const {
        std::lock_guard const lock{mutex};
        return table;
    }

    std::filesystem::path file;
    password_file_settings settings;
    std::shared_ptr<workers> pool{};
    std::mutex mutable mutex{};
    std::mutex reading{};  // guards read_at and told
    std::optional<mailquay::detail::file_stamp> read_at{};
    std::string told{};  // why it could not be read, not to say so each time
    std::shared_ptr<detail::password_table const> table{};
    time_point next_look{};
};

MAILQUAY_DECL password_file::password_file(std::filesystem::path file, password_file_settings settings)
    : state_(std::make_shared<state>(std::move(file), std::move(settings))) {}
MAILQUAY_DECL password_file::~password_file() = default;

MAILQUAY_DECL void password_file::lend(std::shared_ptr<workers> pool) {
    if (!state_->pool) state_->pool = std::move(pool);
}

MAILQUAY_DECL eventual<result<std::shared_ptr<credentials const>>> password_file::find(std::string user) {
    using answer = result<std::shared_ptr<credentials const>>;
    if (!state_->due()) return answer{state_->now()->users.find(user)};
    auto look = [kept = state_, name = std::move(user)]() -> answer {
        kept->look();
        return answer{kept->now()->users.find(name)};
    };
    if (!state_->pool) return look();
    return offload(*state_->pool, std::move(look));
}

MAILQUAY_DECL credential_forms password_file::forms() const { return state_->now()->forms; }
MAILQUAY_DECL std::size_t password_file::size() const { return state_->now()->users.size(); }

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
