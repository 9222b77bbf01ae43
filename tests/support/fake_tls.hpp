#pragma once

#include <mailquay/handler/tls_provider.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace mailquay_test {

using namespace mailquay;

/// A TLS of our own for tests of connections, without a TLS library: each octet is turned by 0x80, so that plain text and
/// cipher text cannot be taken for one another. The client says `fake_hello`, the server `fake_welcome`, the client
/// `fake_done`; anything else fails the handshake with an alert. `fake_goodbye` is close_notify. Octets between `fake_record`
/// and `fake_record_end` come out only once the end is there, as those of a record do; what a read leaves of them stays inside.
inline constexpr std::string_view fake_hello = "<hello>";
inline constexpr std::string_view fake_welcome = "<welcome>";
inline constexpr std::string_view fake_done = "<done>";
inline constexpr std::string_view fake_alert = "<alert>";
inline constexpr char fake_goodbye = '\x01';
inline constexpr char fake_record = '\x02';
inline constexpr char fake_record_end = '\x03';

inline std::string fake_turned(std::string_view octets) {
    std::string turned{octets};
    for (char& c : turned) c = static_cast<char>(c ^ 0x80);
    return turned;
}
/// One record with this plain text.
inline std::string fake_record_of(std::string_view octets) { return fake_record + fake_turned(octets) + fake_record_end; }

class fake_tls_stream final : public tls_stream {
public:
    /// `count` is the number of streams alive.
    explicit fake_tls_stream(std::shared_ptr<int> count, std::size_t output_bound = ~std::size_t{0})
        : count_(std::move(count)), bound_(output_bound) {
        ++*count_;
    }
    ~fake_tls_stream() override { --*count_; }

    void lend(std::span<char const> cipher) override { lent_ = {cipher.data(), cipher.size()}; }
    bool wants_input() const noexcept override { return lent_.empty() && (kept_.empty() || inside_); }
    void keep_rest() override {
        kept_.append(lent_);
        lent_ = {};
    }
    void input_closed() noexcept override { state_ = state_ == state::handshake ? state::failed : state::closed; }

    result<state> handshake() override {
        keep_rest();
        if (state_ != state::handshake) return state_;
        if (!greeted_) {
            if (!awaits(fake_hello)) return give();
            out_.append(fake_welcome);
            greeted_ = true;
        }
        if (!awaits(fake_done)) return give();
        return state_ = state::established;
    }
    result<std::size_t> read(std::span<char> room) override {
        if (state_ == state::failed) return std::make_error_code(std::errc::protocol_error);
        keep_rest();
        inside_ = true;
        std::size_t const record = kept_.rfind(fake_record);
        bool const cut = record != std::string::npos && kept_.find(fake_record_end, record) == std::string::npos;
        std::size_t const whole = cut ? record : kept_.size();
        std::size_t filled = 0, used = 0;
        while (state_ == state::established && filled != room.size() && used != whole) {
            char const c = kept_[used++];
            if (c == fake_record || c == fake_record_end) continue;
            if (c == fake_goodbye) {
                state_ = state::closed;
                clean_ = true;
                break;
            }
            if ((c & 0x80) == 0) {
                state_ = state::failed;
                out_.append(fake_alert);
                if (filled == 0) return std::make_error_code(std::errc::protocol_error);
                break;
            }
            room[filled++] = static_cast<char>(c ^ 0x80);
        }
        kept_.erase(0, used);
        return filled;
    }
    result<std::size_t> write(std::span<char const> plain) override {
        if (state_ != state::established && state_ != state::closed) return std::make_error_code(std::errc::protocol_error);
        std::size_t const taken = std::min(plain.size(), bound_ - std::min(bound_, out_.size()));
        out_.append(fake_turned({plain.data(), taken}));
        return taken;
    }
    std::size_t take_output(std::span<char> room) override {
        std::size_t const octets = std::min(room.size(), out_.size());
        std::copy_n(out_.data(), octets, room.data());
        out_.erase(0, octets);
        return octets;
    }
    bool has_output() const noexcept override { return !out_.empty(); }
    void close_notify() override { out_.push_back(fake_goodbye); }
    state current() const noexcept override { return state_; }
    bool closed_cleanly() const noexcept override { return clean_; }
    tls_info info() const override { return {.protocol = "FAKE", .cipher = "TURNED", .server_name = "mx.example.org"}; }

private:
    // Whether `wanted` has come whole; fails if something else has.
    bool awaits(std::string_view wanted) {
        std::size_t const common = std::min(wanted.size(), kept_.size());
        if (kept_.compare(0, common, wanted, 0, common) != 0) {
            state_ = state::failed;
            out_.append(fake_alert);
            return false;
        }
        if (common != wanted.size()) return false;
        kept_.erase(0, common);
        return true;
    }
    result<state> give() const {
        if (state_ == state::failed) return std::make_error_code(std::errc::protocol_error);
        return state_;
    }

    std::shared_ptr<int> count_;
    std::size_t bound_;
    std::string_view lent_;
    std::string kept_;
    std::string out_;
    state state_ = state::handshake;
    bool inside_ = false;  // what is kept was taken in by a read: no cipher text is left
    bool greeted_ = false;
    bool clean_ = false;
};

struct fake_tls final : tls_provider {
    std::unique_ptr<tls_stream> accept(session_info const&) override {
        if (throws) throw std::runtime_error("no more TLS");
        if (!available) return nullptr;
        return std::make_unique<fake_tls_stream>(streams, output_bound);
    }
    std::shared_ptr<int> streams = std::make_shared<int>(0);  ///< alive now
    std::size_t output_bound = ~std::size_t{0};
    bool available = true;
    bool throws = false;
};

}  // namespace mailquay_test
