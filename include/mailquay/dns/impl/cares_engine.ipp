#pragma once

#include <mailquay/dns/cares_resolver.hpp>

#include <mailquay/base/random.hpp>
#include <mailquay/base/unique_function.hpp>
#include <mailquay/dns/detail/dns_message.hpp>
#include <mailquay/dns/detail/dns_waiter.hpp>

#include <ares.h>
#include <asio/awaitable.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

using dns_octets = result<std::string, dns_errc>;

inline std::vector<ip_endpoint> read_dns_servers(std::vector<std::string> const& texts) {
    std::vector<ip_endpoint> servers;
    for (std::string const& text : texts) {
        auto parsed = ip_endpoint::parse(text);
        if (auto const alone = ip_address::parse(text)) parsed = ip_endpoint{*alone, 53};
        if (!parsed || parsed->port == 0)
            throw std::invalid_argument("cares_settings::servers: '" + text + "' is no server: write ADDR:PORT, or an address for port 53");
        servers.push_back(*parsed);
    }
    return servers;
}

}  // namespace detail

namespace detail {

/// What coroutines need of an engine. They do not keep it: it keeps them, and a context may end with both.
struct cares_facts {
    bool trusted = false;
    std::chrono::milliseconds patience{};
    std::atomic<bool> edns{true};
};

}  // namespace detail

/// The c-ares channel. All but `look_up()` and `stop()` runs on its strand.
class cares_resolver::engine : public std::enable_shared_from_this<cares_resolver::engine> {
public:
    using finisher = unique_function<void(detail::dns_octets)>;
    using time_point = std::chrono::steady_clock::time_point;

    engine(asio::any_io_executor executor, cares_settings const& settings)
        : in_flight_(settings.in_flight), waiting_(settings.waiting), strand_(asio::make_strand(std::move(executor))), timer_(strand_) {
        facts->trusted = settings.trusted;
        facts->patience = settings.patience;
        open(settings);
    }
    engine(engine const&) = delete;
    engine& operator=(engine const&) = delete;
    ~engine() { close(); }

    /// Sends a query.
    ///
    /// @return the octets of the answer, whatever it says; or `temporary`, `timed_out`, `cancelled`
    static asio::awaitable<detail::dns_octets> ask(std::shared_ptr<engine> self, std::string query, time_point deadline) {
        std::optional<detail::dns_octets> told;
        std::uint64_t const number = self->next_number_++;
        detail::dns_wait how;
        how.cancelled = [weak = std::weak_ptr<engine>{self}, number] {
            auto const here = weak.lock();
            if (!here) return;
            asio::post(here->strand_, [here, number] {
                here->end(number, dns_errc::cancelled);
                here->go_on();
            });
        };
        how.begin = [&self, &query, answer = &told, number, deadline](unique_function<void()> go_on) {
            finisher finish{[answer, go_on = std::move(go_on)](detail::dns_octets given) mutable {
                answer->emplace(std::move(given));
                go_on();
            }};
            // One that is destroyed with its context, unrun, takes the coroutine with it.
            auto with = std::move(self);
            auto const strand = with->strand_;
            asio::post(strand, [with = std::move(with), number, octets = std::move(query), finish = std::move(finish), deadline]() mutable {
                with->begin(number, std::move(octets), std::move(finish), deadline);
            });
        };
        co_await detail::wait_for_dns(&how);
        co_return *std::move(told);
    }

    /// Ends all, later and on the strand.
    void stop() {
        asio::post(strand_, [self = shared_from_this()] {
            self->close();
            self->timer_.cancel();
        });
    }

    std::vector<std::string> servers() const { return names_; }

    std::shared_ptr<detail::cares_facts> const facts = std::make_shared<detail::cares_facts>();

private:
    /// A query that somebody waits for.
    struct lookup {
        std::string query;
        finisher finish;
        time_point deadline;
    };
    /// A query that c-ares has, also when nobody waits for it any more.
    struct sent {
        engine* by;
        std::uint64_t number;
        std::uint16_t id;
    };
    /// A socket of c-ares, which opens and closes it.
    struct watched {
        explicit watched(asio::any_io_executor executor) : descriptor(std::move(executor)) {}
        asio::posix::stream_descriptor descriptor;
        bool wants_read = false;
        bool wants_write = false;
        bool reads = false;   // a wait is under way
        bool writes = false;
        bool gone = false;
    };

    void open(cares_settings const& settings) {
        if (settings.tries == 0) throw std::invalid_argument("cares_settings::tries is 0: nothing would be asked; leave it at 3");
        if (settings.timeout <= settings.timeout.zero() || settings.timeout > std::chrono::minutes{10})
            throw std::invalid_argument("cares_settings::timeout must be above 0 and at most 10 min; leave it at 3000 ms");
        if (settings.patience <= settings.patience.zero()) throw std::invalid_argument("cares_settings::patience must be above 0; leave it at 20000 ms");
        if (in_flight_ == 0 || in_flight_ > 10'000)
            throw std::invalid_argument("cares_settings::in_flight must be 1 to 10000, the ids of queries are 16 bits; leave it at 500");
        auto const servers = detail::read_dns_servers(settings.servers);

        static std::once_flag library;
        std::call_once(library, [] { ::ares_library_init(ARES_LIB_INIT_ALL); });
        ares_options options{};
        char lookups[] = "b";
        std::string conf = settings.resolv_conf;
        options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
        options.ednspsz = static_cast<int>(detail::dns_udp_octets);
        options.timeout = static_cast<int>(settings.timeout.count());
        options.tries = static_cast<int>(std::min(settings.tries, 20u));
        options.lookups = lookups;
        options.resolvconf_path = conf.data();
        options.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
            static_cast<engine*>(self)->socket_changed(socket, readable != 0, writable != 0);
        };
        options.sock_state_cb_data = this;
        int const mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                         ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB;
        if (int const failed = ::ares_init_options(&channel_, &options, mask); failed != ARES_SUCCESS) {
            channel_ = nullptr;
            throw std::runtime_error(std::string{"cares_resolver: c-ares cannot begin: "} + ::ares_strerror(failed));
        }
        if (!servers.empty()) use_servers(servers);
        read_back_servers();
    }

    void use_servers(std::vector<ip_endpoint> const& servers) {
        std::vector<ares_addr_port_node> nodes(servers.size());
        for (std::size_t i = 0; i < servers.size(); ++i) {
            auto& node = nodes[i];
            node.next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
            node.family = servers[i].address.is_v4() ? AF_INET : AF_INET6;
            node.udp_port = node.tcp_port = servers[i].port;
            auto const octets = servers[i].address.bytes();
            std::copy(octets.begin(), octets.end(), reinterpret_cast<std::uint8_t*>(&node.addr));
        }
        if (::ares_set_servers_ports(channel_, nodes.data()) == ARES_SUCCESS) return;
        close();
        throw std::runtime_error("cares_resolver: c-ares does not take cares_settings::servers");
    }

    void read_back_servers() {
        ares_addr_port_node* first = nullptr;
        if (::ares_get_servers_ports(channel_, &first) != ARES_SUCCESS) return;
        for (auto const* node = first; node != nullptr; node = node->next) {
            auto const* const octets = reinterpret_cast<std::uint8_t const*>(&node->addr);
            ip_endpoint server;
            server.port = static_cast<std::uint16_t>(node->udp_port == 0 ? 53 : node->udp_port);
            if (node->family == AF_INET) {
                ip_address::v4_octets v4{};
                std::copy_n(octets, v4.size(), v4.begin());
                server.address = ip_address::from_v4(v4);
            } else {
                ip_address::v6_octets v6{};
                std::copy_n(octets, v6.size(), v6.begin());
                server.address = ip_address::from_v6(v6);
            }
            names_.push_back(server.to_string());
        }
        ::ares_free_data(first);
    }

    void begin(std::uint64_t number, std::string query, finisher finish, time_point deadline) {
        if (channel_ == nullptr) return finish(dns_errc::cancelled);
        if (queue_.size() >= waiting_) return finish(dns_errc::temporary);
        lookups_.emplace(number, lookup{std::move(query), std::move(finish), deadline});
        deadlines_.emplace(deadline, number);
        queue_.push_back(number);
        go_on();
    }

    // Sends what may be sent, and waits for what comes next.
    void go_on() {
        while (channel_ != nullptr && under_way_ < in_flight_ && !queue_.empty()) {
            auto const found = lookups_.find(queue_.front());
            queue_.pop_front();
            if (found != lookups_.end()) send(found->first, found->second);  // else it ended while it waited
        }
        wait();
    }

    void send(std::uint64_t number, lookup& one) {
        std::uint16_t id = 0;
        do {
            id = static_cast<std::uint16_t>(random_u64());
        } while (!ids_.insert(id).second);
        one.query[0] = static_cast<char>(id >> 8);
        one.query[1] = static_cast<char>(id & 0xff);
        ++under_way_;
        auto record = std::make_unique<sent>(sent{this, number, id});
        std::string const octets = std::move(one.query);  // c-ares may answer, and the look-up end, before it returns
        ::ares_send(channel_, reinterpret_cast<unsigned char const*>(octets.data()), static_cast<int>(octets.size()), &engine::answered,
                    record.release());
    }

    static void answered(void* argument, int status, int, unsigned char* octets, int size) {
        std::unique_ptr<sent> const record{static_cast<sent*>(argument)};
        engine& self = *record->by;
        --self.under_way_;
        self.ids_.erase(record->id);
        if (status == ARES_SUCCESS && octets != nullptr && size > 0)
            self.end(record->number, std::string{reinterpret_cast<char const*>(octets), static_cast<std::size_t>(size)});
        else if (status == ARES_ETIMEOUT)
            self.end(record->number, dns_errc::timed_out);
        else
            self.end(record->number, status == ARES_EDESTRUCTION ? dns_errc::cancelled : dns_errc::temporary);
    }

    void end(std::uint64_t number, detail::dns_octets with) {
        auto const found = lookups_.find(number);
        if (found == lookups_.end()) return;
        finisher finish = std::move(found->second.finish);
        deadlines_.erase({found->second.deadline, number});
        lookups_.erase(found);
        finish(std::move(with));
    }

    void socket_changed(ares_socket_t socket, bool readable, bool writable) {
        auto& place = sockets_[socket];
        if (!readable && !writable) {
            if (place) forget(*place);
            sockets_.erase(socket);
            return;
        }
        if (!place) {
            place = std::make_shared<watched>(strand_);
            std::error_code failed;
            place->descriptor.assign(socket, failed);
            if (failed) return;  // the look-up ends by its time
        }
        place->wants_read = readable;
        place->wants_write = writable;
        watch(socket, place);
    }

    static void forget(watched& one) noexcept {
        one.gone = true;
        // c-ares closes it.
        if (one.descriptor.is_open()) one.descriptor.release();
    }

    void watch(ares_socket_t socket, std::shared_ptr<watched> one) {
        using wait_type = asio::posix::stream_descriptor::wait_type;
        if (one->gone || !one->descriptor.is_open()) return;
        if (one->wants_read && !one->reads) {
            one->reads = true;
            one->descriptor.async_wait(wait_type::wait_read, [self = shared_from_this(), socket, one](std::error_code failed) {
                one->reads = false;
                if (!failed) self->ready(socket, one, true);
            });
        }
        if (one->wants_write && !one->writes) {
            one->writes = true;
            one->descriptor.async_wait(wait_type::wait_write, [self = shared_from_this(), socket, one](std::error_code failed) {
                one->writes = false;
                if (!failed) self->ready(socket, one, false);
            });
        }
    }

    void ready(ares_socket_t socket, std::shared_ptr<watched> const& one, bool readable) {
        if (one->gone || channel_ == nullptr) return;
        ::ares_process_fd(channel_, readable ? socket : ARES_SOCKET_BAD, readable ? ARES_SOCKET_BAD : socket);
        if (!one->gone) watch(socket, one);
        go_on();
    }

    // Until c-ares has something to do, or the patience with a look-up ends. When nobody waits for anything, nothing is left under
    // way: a loop can run dry.
    void wait() {
        if (channel_ != nullptr && lookups_.empty() && under_way_ != 0) ::ares_cancel(channel_);
        if (channel_ == nullptr || lookups_.empty()) {
            timer_at_ = time_point::max();
            timer_.cancel();
            return;
        }
        auto next = time_point::max();
        auto const now = std::chrono::steady_clock::now();
        timeval room{};
        if (timeval const* const left = ::ares_timeout(channel_, nullptr, &room); left != nullptr)
            next = now + std::chrono::seconds{left->tv_sec} + std::chrono::microseconds{left->tv_usec} + std::chrono::milliseconds{1};
        next = std::min(next, deadlines_.begin()->first);
        if (next >= timer_at_) return;  // what is due later is seen when the timer that runs ends
        timer_at_ = next;
        timer_.expires_at(next);
        timer_.async_wait([weak = weak_from_this()](std::error_code cancelled) {
            auto const self = weak.lock();
            if (!cancelled && self) self->time_passed();
        });
    }

    void time_passed() {
        timer_at_ = time_point::max();
        if (channel_ == nullptr) return;
        ::ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        auto const now = std::chrono::steady_clock::now();
        while (!deadlines_.empty() && deadlines_.begin()->first <= now) end(deadlines_.begin()->second, dns_errc::timed_out);
        go_on();
    }

    void close() noexcept {
        if (channel_ == nullptr) return;
        ares_channel const channel = std::exchange(channel_, nullptr);
        ::ares_destroy(channel);  // tells what is under way
        for (auto const& [socket, one] : sockets_) forget(*one);
        sockets_.clear();
        queue_.clear();
        while (!lookups_.empty()) end(lookups_.begin()->first, dns_errc::cancelled);
    }

    std::size_t const in_flight_;
    std::size_t const waiting_;
    asio::strand<asio::any_io_executor> strand_;
    asio::steady_timer timer_;
    time_point timer_at_ = time_point::max();
    ares_channel channel_ = nullptr;
    std::vector<std::string> names_{};
    std::atomic<std::uint64_t> next_number_{0};
    std::unordered_map<std::uint64_t, lookup> lookups_{};
    // Not in the order of numbers: a further query, for an alias, has what is left of its look-up's time.
    std::set<std::pair<time_point, std::uint64_t>> deadlines_{};
    std::deque<std::uint64_t> queue_{};  // of those that were not sent
    std::unordered_set<std::uint16_t> ids_{};
    std::unordered_map<ares_socket_t, std::shared_ptr<watched>> sockets_{};
    std::size_t under_way_ = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI
