#include "common/serve.hpp"

#include "common/tls.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <thread>

namespace programs {
namespace {

void say(std::string_view line) { std::fwrite(line.data(), 1, line.size(), stderr); }

sigset_t hangup() {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGHUP);
    return only;
}

// Tells the server to stop when a signal comes, from a thread of its own: the server's threads serve connections.
class signal_watch {
public:
    signal_watch(mailquay::server& server, std::chrono::seconds grace, certificates* tls) : server_(server), grace_(grace), tls_(tls) {
        std::signal(SIGPIPE, SIG_IGN);
        wait();
        wait_for_hangup();
        thread_ = std::thread{[this] {
            sigset_t const taken_here = hangup();
            ::pthread_sigmask(SIG_UNBLOCK, &taken_here, nullptr);
            io_.run();
        }};
    }
    ~signal_watch() {
        io_.stop();
        thread_.join();
    }

private:
    void wait() {
        signals_.async_wait([this](std::error_code failed, int) {
            if (failed) return;
            if (++seen_ > 2) std::_Exit(1);
            server_.shutdown(seen_ == 1 ? grace_ : std::chrono::seconds{0});
            wait();
        });
    }

    // As daemons do: the configuration that may change under way is read anew.
    void wait_for_hangup() {
        hangups_.async_wait([this](std::error_code failed, int) {
            if (failed) return;
            read_anew();
            wait_for_hangup();
        });
    }
    void read_anew() noexcept {
        try {
            if (tls_ != nullptr) return tls_->reload();
            say("nothing to reload: no certificate is given, and a password file is read again when it changes\n");
        } catch (std::exception const& failed) {
            say(std::string{"not reloaded: "} + failed.what() + '\n');
        }
    }

    mailquay::server& server_;
    std::chrono::seconds grace_;
    certificates* tls_;
    int seen_ = 0;
    asio::io_context io_{1};
    asio::signal_set signals_{io_, SIGINT, SIGTERM};
    asio::signal_set hangups_{io_, SIGHUP};
    std::thread thread_;
};

mailquay::server_config config_of(settings const& chosen) {
    mailquay::server_config config;
    config.hostname = chosen.hostname;
    config.limits.message_octets = chosen.max_size;
    config.limits.recipients = chosen.max_recipients;
    config.limits.hops = chosen.max_hops;
    config.connections.total = chosen.max_connections;
    config.connections.per_address = chosen.max_connections_per_address;
    config.trusted_proxies = chosen.trusted_proxies;
    config.trusted_xclient = chosen.trusted_xclient;
    config.trusted_xforward = chosen.trusted_xforward;
    config.trusted_xclient_login = chosen.trusted_xclient_login;
    std::chrono::seconds const idle{chosen.idle_timeout};
    config.timeouts.command = idle;
    config.timeouts.message_silence = std::min(idle, config.timeouts.message_silence);
    config.enable = chosen.enable;
    if (chosen.portable_reactor) config.waits_by = mailquay::reactor_choice::portable;
    config.log = mailquay::logger::to_stderr(chosen.log_level);
    return config;
}

void say_listening(std::string_view protocol, mailquay::listen_endpoint const& bound) {
    say(fmt::format("listening {} {}\n", protocol, bound.to_string()));
}

}  // namespace

int serve(settings const& chosen, plug_in const& plug) {
    mailquay::server server{config_of(chosen)};
    plug(server);
    auto const tls = certificates::of(chosen.tls);
    if (tls) tls->give_to(server);
    signal_watch watch{server, std::chrono::seconds{chosen.grace}, tls.get()};

    auto listeners = chosen.listeners;
    if (listeners.empty()) listeners.push_back({"smtp", "127.0.0.1:2525"});
    for (listen_on const& one : listeners)
        say_listening(one.protocol, server.listen(one.where, profile_of(chosen, one.protocol)));
    server.run(chosen.threads);
    return 0;
}

namespace {

// Connections and the files of a long queue take more than the usual soft limit.
void raise_file_limit() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= files.rlim_max) return;
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

int run_server_main(std::string_view program, std::function<int()> const& body) {
    // Blocked until there is a thread that takes it, or one that comes early would end the program.
    sigset_t const waits = hangup();
    ::pthread_sigmask(SIG_BLOCK, &waits, nullptr);
    return run_main(program, body);
}

int run_main(std::string_view program, std::function<int()> const& body) {
    raise_file_limit();
    auto const complain = [&](char const* what) {
        say(fmt::format("{}: {}\n", program, what));
    };
    try {
        return body();
    } catch (usage_error const& wrong) {
        complain(wrong.what());
        return 2;
    } catch (std::exception const& failed) {
        complain(failed.what());
        return 1;
    }
}

void parse_or_exit(flags& all, int argc, char const* const* argv) {
    bool help = false;
    bool version = false;
    all.toggle("--help", "show this, and end", help).toggle("--version", "show the version, and end", version);
    all.parse(argc, argv);
    if (!help && !version) return;
    std::string const text = help ? all.help() : fmt::format("{} {}\n", all.program(), MAILQUAY_VERSION);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::exit(0);
}

}  // namespace programs
