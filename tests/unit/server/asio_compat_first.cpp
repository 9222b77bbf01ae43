// Asio before everything else, as a host may have it: it must allocate as in files that include the standard library first,
// or frames made here are released wrongly elsewhere. Not part of a batch, where another file would come first.
#include <asio/detail/config.hpp>

#ifdef ASIO_HAS_STD_ALIGNED_ALLOC
static constexpr bool asio_allocates_aligned = true;
#else
static constexpr bool asio_allocates_aligned = false;
#endif

#include <mailquay/server/asio_compat.hpp>

#include "support/catch.hpp"

TEST_CASE("Asio allocates alike whichever header comes first", "[server][asio]") {
#if defined(_GLIBCXX_HAVE_ALIGNED_ALLOC) || defined(_LIBCPP_HAS_ALIGNED_ALLOC)
    CHECK(asio_allocates_aligned);
#else
    CHECK_FALSE(asio_allocates_aligned);
#endif
}
