#pragma once

#include <mailquay/handler/message_sink.hpp>
#include <mailquay/handler/workers.hpp>
#include <mailquay/sink/detail/spool_engine.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// A large message's file, until its record is in the journal. Writer and jobs never use it at the same time.
class MAILQUAY_API spool_large_file {
public:
    spool_large_file(std::shared_ptr<spool_engine> engine, std::string_view id);
    spool_large_file(spool_large_file const&) = delete;
    spool_large_file& operator=(spool_large_file const&) = delete;
    ~spool_large_file();

    /// @{ Jobs: they block.
    verdict spill();
    delivery complete();
    /// @}

    std::string pending{};  // octets that are not in the file yet
    bool kept = false;      // a record names it

private:
    std::shared_ptr<spool_engine> engine_;
    std::string path_;
    int file_ = -1;
    bool made_ = false;
    std::uint64_t counted_ = 0;  // octets that the engine knows of
};

class MAILQUAY_API spool_writer final : public message_writer {
public:
    /// @param recipients  the places of those it is for, at least one
    /// @param wait  until the first attempt
    spool_writer(std::shared_ptr<spool_engine> engine, std::shared_ptr<workers> pool, transaction const& mail, std::span<std::size_t const> recipients,
                 std::chrono::milliseconds wait = {});
    ~spool_writer() override;

    eventual<verdict> write(std::span<char const> octets) override;
    eventual<delivery> finish(commit how) override;

private:
    std::unique_ptr<spool_item> make_item();

    std::shared_ptr<spool_engine> engine_;
    std::shared_ptr<workers> pool_;
    std::string meta_;
    transaction_id id_{};
    std::string body_;
    std::uint32_t checksum_ = 0;
    std::uint64_t octets_ = 0;
    std::size_t recipients_ = 0;
    std::uint64_t first_wait_ms_ = 0;
    std::int64_t release_ms_ = 0;  // since 1970; FUTURERELEASE
    bounce bounce_ = bounce::restrained;
    std::shared_ptr<std::atomic<spool_wait>> wait_;
    std::shared_ptr<spool_large_file> large_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/spool_writer.ipp>
#endif
