#pragma once

#include "support/script.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay_test {

/// A conversation file: what a mail administrator would write down of a dialogue.
///
/// One thing a line; what is not one of these is an error:
/// @code
/// # a comment
/// @ max-size 1000            a setting (first in the file), or something that happens: see `conversation.cpp`
/// C: MAIL FROM:<a@b>         the client sends this line and CRLF
/// C- half a li               the client sends just this
/// S: 250 2.1.0 *             the server answers this line; "*" stands for anything. Lines of a longer reply: "S: 250-..."
/// S= 250                     a whole reply, of one line or several, that begins so
/// S: (closed)                the server has ended the session
/// M: 1                       so many messages have been accepted up to here; "none" for 0
/// M< a@b                     the sender of the last one; nothing for the null sender
/// M> c@d                     its recipients, in order
/// M| line                    a line of its text, with CRLF
/// M- line                    the same without CRLF
/// @endcode
/// Client lines that follow one another are one pipelined group. The greeting need not be named. In what is sent and in
/// M-lines: `\r \n \t \0 \\ \xHH`, and `\{1000:ab}` for a thousand times ab. Ids of transactions read ID1, ID2, ...
class conversation {
public:
    /// @throws script_failure naming file and line if it is not understood
    static conversation read(std::filesystem::path const& file);
    static conversation parse(std::string_view text, std::string name);

    /// Plays it whole, octet by octet, cut at every place and with late answers, then with failures at every step; only whole
    /// if the file says "@ whole-only".
    /// @throws script_failure
    void run() const;

    std::string const& name() const { return name_; }

private:
    std::string name_;
    std::shared_ptr<script> talk_ = std::make_shared<script>();
    bool whole_only_ = false;
};

/// The conversation files in `folder` and below, sorted.
std::vector<std::filesystem::path> conversation_files(std::filesystem::path const& folder);

}  // namespace mailquay_test
