#include <mailquay/handler/recipient_table.hpp>

#include <mailquay/base/idna.hpp>
#include <mailquay/protocol/domain.hpp>
#include <mailquay/protocol/mailbox.hpp>
#include <mailquay/protocol/replies.hpp>

#include <algorithm>
#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

inline constexpr std::string_view postmaster_name = "postmaster";

[[noreturn]] inline void refuse_table_entry(std::string_view value, std::string_view fault, std::string_view cure) {
    std::string text{"recipient_table: \""};
    text.append(value).append("\" ").append(fault).append("; ").append(cure);
    throw std::invalid_argument(text);
}

}  // namespace detail

/// What an alias stands for, while it is collected.
struct recipient_table::expansion {
    struct member {
        std::string name;
        bool is_mailbox;
    };
    std::vector<member> members{};
    std::vector<user const*> seen{};
    std::vector<std::string> unknown{};  // in a domain of the table, but not known there
    bool too_many = false;
    bool too_deep = false;

    void add(std::string name, bool is_mailbox) {
        if (std::any_of(members.begin(), members.end(), [&](member const& one) { return one.name == name; })) return;
        if (members.size() == max_members)
            too_many = true;
        else
            members.push_back({std::move(name), is_mailbox});
    }
};

MAILQUAY_DECL recipient_table::recipient_table(std::initializer_list<std::string_view> addresses) {
    for (std::string_view one : addresses) add(one);
}

MAILQUAY_DECL recipient_table::recipient_table(std::vector<std::string> const& addresses) {
    for (std::string const& one : addresses) add(one);
}

MAILQUAY_DECL recipient_table::~recipient_table() = default;

MAILQUAY_DECL std::string recipient_table::read_domain(std::string_view name) {
    // A literal is read with a local part before it, so that its address comes out in the canonical form.
    std::string const as_address = "a@" + std::string(name);
    auto const read = parse_mailbox(as_address, {.utf8 = true});
    if (!read) detail::refuse_table_entry(name, "is no domain", "write it as example.org or [192.0.2.1]");
    std::string normalised;
    append_normalised_domain(normalised, *read);
    if (!is_ascii(normalised))
        detail::refuse_table_entry(name, "has no form in ASCII", "correct it, or build with libidn2 (MAILQUAY_IDNA)");
    to_lower_in_place(normalised);
    return normalised;
}

MAILQUAY_DECL recipient_table::target recipient_table::read_address(std::string_view address) {
    auto const read = parse_mailbox(address, {.utf8 = true});
    if (!read) detail::refuse_table_entry(address, "is no address", "write it as local-part@domain, or @domain for any user");
    std::string unquoted;
    std::string const local_part{local_part_unquoted(read->local_part, unquoted)};
    return {local_part, read_domain(read->domain)};
}

MAILQUAY_DECL std::string recipient_table::text_of(target const& address) {
    std::string text;
    append_local_part(text, address.local_part);
    return text.append("@").append(address.domain);
}

MAILQUAY_DECL recipient_table::domain_entry& recipient_table::entry_of(std::string const& name) { return domains_[name]; }

MAILQUAY_DECL recipient_table::user& recipient_table::put(target const& address) {
    domain_entry& in = entry_of(address.domain);
    if (first_.empty()) first_.push_back(address);
    return in.by_name[address.local_part] = user{};
}

MAILQUAY_DECL recipient_table& recipient_table::add(std::string_view address, std::string_view mailbox) & {
    if (address.starts_with('@')) {
        std::string const name = read_domain(address.substr(1));
        domain_entry& in = entry_of(name);
        in.any_user = true;
        in.any_mailbox = mailbox;
        if (first_.empty()) first_.push_back({std::string(detail::postmaster_name), name});
        return *this;
    }
    target const read = read_address(address);
    user& added = put(read);
    added.mailbox = mailbox.empty() ? own_mailbox(entry_of(read.domain), read.local_part, read.domain) : std::string(mailbox);
    return *this;
}

MAILQUAY_DECL recipient_table& recipient_table::domain(std::string_view name) & {
    return add("@" + std::string(name));
}

MAILQUAY_DECL recipient_table& recipient_table::alias(std::string_view address, std::vector<std::string> const& members) & {
    if (members.empty()) detail::refuse_table_entry(address, "is an alias for nobody", "give at least one member");
    if (members.size() > max_members) detail::refuse_table_entry(address, "is an alias of more than 100 members", "split it");
    std::vector<target> read;
    for (std::string const& one : members) read.push_back(read_address(one));
    put(read_address(address)).members = std::move(read);
    return *this;
}

MAILQUAY_DECL recipient_table& recipient_table::extension_separator(char separator) & {
    bool const usable = is_printable(separator) && !is_alnum(separator) && separator != '.' && separator != '@' && separator != ' ';
    if (!usable) detail::refuse_table_entry({&separator, 1}, "cannot separate extensions", "use + or -");
    separator_ = separator;
    return *this;
}

MAILQUAY_DECL recipient_table& recipient_table::case_sensitive(std::string_view domain_name) & {
    domain_entry& in = entry_of(read_domain(domain_name));
    if (!in.by_name.empty())
        detail::refuse_table_entry(domain_name, "has addresses already", "call case_sensitive() before they are added");
    in.fold = false;
    in.by_name = users(0, {}, {.fold = false});
    return *this;
}

MAILQUAY_DECL recipient_table& recipient_table::postmaster(std::string_view address) & {
    postmaster_.assign(1, read_address(address));
    return *this;
}

MAILQUAY_DECL recipient_table& recipient_table::hostname(std::string_view name) & {
    hostname_ = read_domain(name);
    return *this;
}

MAILQUAY_DECL recipient_table::domain_entry const* recipient_table::find_domain(std::string_view name) const noexcept {
    auto const found = domains_.find(name);
    return found == domains_.end() ? nullptr : &found->second;
}

MAILQUAY_DECL std::string_view recipient_table::without_extension(std::string_view local_part) const noexcept {
    if (separator_ == '\0') return local_part;
    auto const at = local_part.find(separator_);
    return at == std::string_view::npos || at == 0 ? local_part : local_part.substr(0, at);
}

MAILQUAY_DECL recipient_table::user const* recipient_table::find_user(domain_entry const& in,
                                                                      std::string_view local_part) const noexcept {
    auto found = in.by_name.find(local_part);
    if (found == in.by_name.end() && separator_ != '\0') {
        std::string_view const shorter = without_extension(local_part);
        if (shorter.size() != local_part.size()) found = in.by_name.find(shorter);
    }
    return found == in.by_name.end() ? nullptr : &found->second;
}

MAILQUAY_DECL std::string recipient_table::own_mailbox(domain_entry const& in, std::string_view local_part,
                                                       std::string_view domain_name) const {
    std::string id;
    id.reserve(local_part.size() + 1 + domain_name.size());
    append_local_part(id, local_part);
    if (in.fold) to_lower_in_place(id);
    return id.append("@").append(domain_name);
}

MAILQUAY_DECL void recipient_table::expand(target const& member, expansion& into, std::size_t depth) const {
    domain_entry const* const in = find_domain(member.domain);
    user const* const found = in != nullptr ? find_user(*in, member.local_part) : nullptr;
    if (found != nullptr && !found->members.empty()) {
        if (std::find(into.seen.begin(), into.seen.end(), found) != into.seen.end()) return;  // a loop, or named twice
        if (depth == max_nesting) {
            into.too_deep = true;
            return;
        }
        into.seen.push_back(found);
        for (target const& next : found->members) {
            if (into.too_many) return;
            expand(next, into, depth + 1);
        }
        return;
    }
    if (found != nullptr) return into.add(found->mailbox, true);
    if (in != nullptr && in->any_user)
        return into.add(in->any_mailbox.empty() ? own_mailbox(*in, without_extension(member.local_part), member.domain) : in->any_mailbox,
                        true);
    if (in != nullptr) into.unknown.push_back(text_of(member));
    into.add(text_of(member), false);
}

MAILQUAY_DECL verdict recipient_table::answer(user const& found) const {
    if (found.members.empty()) return accept().mailbox(found.mailbox);
    expansion all;
    all.seen.push_back(&found);
    for (target const& member : found.members) expand(member, all, 1);
    if (all.too_many || all.too_deep) return defer(replies::local_error).because("alias with too many members");
    if (all.members.empty()) return defer(replies::local_error).because("alias that stands for itself alone");
    if (all.members.size() == 1 && all.members[0].is_mailbox) return accept().mailbox(std::move(all.members[0].name));
    std::vector<std::string> addresses;
    addresses.reserve(all.members.size());
    for (auto& one : all.members) addresses.push_back(std::move(one.name));
    return accept().deliver_to(std::move(addresses));
}

MAILQUAY_DECL verdict recipient_table::answer_target(target const& address) const {
    domain_entry const* const in = find_domain(address.domain);
    if (in == nullptr) return accept().deliver_to({text_of(address)});
    if (user const* const found = find_user(*in, address.local_part)) return answer(*found);
    if (!in->any_user) return accept().deliver_to({text_of(address)});
    if (!in->any_mailbox.empty()) return accept().mailbox(in->any_mailbox);
    return accept().mailbox(own_mailbox(*in, without_extension(address.local_part), address.domain));
}

MAILQUAY_DECL verdict recipient_table::answer_postmaster(domain_entry const* in, std::string_view domain_name) const {
    if (!postmaster_.empty()) return answer_target(postmaster_[0]);
    if (in != nullptr && in->any_user) return answer_target({std::string(detail::postmaster_name), std::string(domain_name)});
    return first_.empty() ? pass() : answer_target(first_[0]);
}

MAILQUAY_DECL verdict recipient_table::find(std::string_view local_part, std::string_view domain_name) const {
    domain_entry const* const in = find_domain(domain_name);
    bool const at_host = !hostname_.empty() && iequals(domain_name, hostname_);
    if (in == nullptr && !at_host) return pass();
    if (in != nullptr)
        if (user const* const found = find_user(*in, local_part)) return answer(*found);
    if (iequals(local_part, detail::postmaster_name)) return answer_postmaster(in, domain_name);
    if (in == nullptr) return pass();
    if (!in->any_user) return reject(replies::no_such_user);
    if (!in->any_mailbox.empty()) return accept().mailbox(in->any_mailbox);
    return accept().mailbox(own_mailbox(*in, without_extension(local_part), domain_name));
}

MAILQUAY_DECL eventual<verdict> recipient_table::validate(transaction const&, recipient const& to) {
    // `<Postmaster>` arrives with the server's name as its domain, which the table need not know (RFC 5321 §4.5.1).
    bool const bare_postmaster = iequals(to.wire(), detail::postmaster_name);
    if (bare_postmaster && find_domain(to.domain()) == nullptr) return answer_postmaster(nullptr, to.domain());
    return find(to.local_part(), to.domain());
}

MAILQUAY_DECL std::vector<std::string> recipient_table::problems() const {
    std::vector<std::string> found;
    for (auto const& [name, in] : domains_) {
        for (auto const& [local_part, entry] : in.by_name) {
            if (entry.members.empty()) continue;
            std::string const alias = "recipient_table: alias \"" + text_of({local_part, name}) + "\" ";
            expansion all;
            all.seen.push_back(&entry);
            for (target const& member : entry.members) expand(member, all, 1);
            if (all.too_many) found.push_back(alias + "has more than 100 members; split it");
            if (all.too_deep) found.push_back(alias + "nests more than 10 deep; name the members directly");
            if (all.members.empty() && !all.too_deep) found.push_back(alias + "stands for itself alone; give it another member");
            for (std::string const& one : all.unknown)
                found.push_back(alias + "names \"" + one + "\", which is not in the table though its domain is; add it");
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace mailquay::inline MAILQUAY_ABI
