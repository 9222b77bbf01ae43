#include <mailquay/handler/storage_errors.hpp>

#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"

#include <cerrno>
#include <future>

TEST_CASE("no room is 452 4.3.1, any other storage error 451 4.3.0", "[storage]") {
    using namespace mailquay;
    for (int full : {ENOSPC, EDQUOT, EFBIG}) {
        CHECK(&storage_reply(full) == &replies::no_storage);
        CHECK(&storage_reply(std::error_code(full, std::generic_category())) == &replies::no_storage);
        CHECK(&storage_reply(std::error_code(full, std::system_category())) == &replies::no_storage);
    }
    for (int other : {EIO, EACCES, ENOENT, EROFS, EMFILE, 0, -1}) CHECK(&storage_reply(other) == &replies::local_error);
    CHECK(replies::no_storage.code() == 452);
    CHECK(replies::local_error.code() == 451);
}

TEST_CASE("a number of another category is no errno", "[storage]") {
    using namespace mailquay;
    CHECK(&storage_reply(std::error_code(ENOSPC, std::future_category())) == &replies::local_error);
}
