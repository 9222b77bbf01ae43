#include <mailquay/session/reply_buffer.hpp>

#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"

#include <string>

using namespace mailquay;

TEST_CASE("replies stand in a row, whatever room there was at first", "[reply_buffer]") {
    constexpr reply_text longest{250, "2.0.0", "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"};
    for (std::size_t room : {std::size_t{1}, std::size_t{30}, std::size_t{4096}}) {
        reply_buffer owed{room};
        std::string all;
        for (int i = 0; i < 100; ++i) {
            for (reply_text const* one : {&replies::ok, &replies::start_mail_input, &longest}) {
                owed.append(*one);
                all += one->line();
            }
            owed.append("250-of a host\r\n");
            owed.append(std::string_view{});
            all += "250-of a host\r\n";
        }
        CHECK(owed.view() == all);
        CHECK(owed.size() == all.size());
        CHECK(owed.behind(7) == std::string_view{all}.substr(7));
        CHECK(owed.behind(all.size()).empty());
        CHECK(owed.capacity() >= all.size());
    }
}

TEST_CASE("replies are dropped from the front and cut at the end", "[reply_buffer]") {
    reply_buffer owed{8};
    owed.append("220 hello\r\n250-mx\r\n250-SIZE\r\n");
    owed.drop_front(11);
    CHECK(owed.view() == "250-mx\r\n250-SIZE\r\n");
    owed.end_lines(8);
    CHECK(owed.view() == "250-mx\r\n250 SIZE\r\n");
    owed.cut(8);
    CHECK(owed.view() == "250-mx\r\n");
    owed.cut(100);
    CHECK(owed.size() == 8);
    owed.append("250 8BITMIME\r\n");
    CHECK(owed.view() == "250-mx\r\n250 8BITMIME\r\n");
    owed.drop_front(owed.size());
    CHECK(owed.view().empty());
    owed.make_room();
    REQUIRE(owed.has_room());
    owed.append_in_room(replies::ok);
    CHECK(owed.view() == replies::ok.line());
    owed.clear();
    CHECK(owed.view().empty());
}
