#include <mailquay/sink/detail/maildir_message.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/handler/delivery_targets.hpp>
#include <mailquay/handler/mailbox_name.hpp>
#include <mailquay/handler/storage_errors.hpp>
#include <mailquay/message/trace_fields.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/sink/maildir.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <unistd.h>

namespace mailquay::inline MAILQUAY_ABI::detail {

MAILQUAY_DECL std::string maildir_shared::fresh_name() const {
    using namespace std::chrono;
    static std::atomic<std::uint64_t> made{0};
    auto const now = system_clock::now().time_since_epoch();
    std::string name;
    append_decimal(name, static_cast<std::uint64_t>(duration_cast<seconds>(now).count()));
    name += ".M";
    append_decimal(name, static_cast<std::uint64_t>(duration_cast<microseconds>(now).count() % 1'000'000));
    name += 'P';
    append_decimal(name, static_cast<std::uint64_t>(::getpid()));
    name += 'Q';
    append_decimal(name, made.fetch_add(1, std::memory_order_relaxed));
    return name.append(".").append(hostname);
}

MAILQUAY_DECL void maildir_shared::look_at_free_octets() {
    if (auto const left = files->free_octets(folder)) free_octets.store(*left, std::memory_order_relaxed);
}

MAILQUAY_DECL maildir_message::maildir_message(std::shared_ptr<maildir_shared> into, transaction const& mail)
    : into_(std::move(into)) {
    for (recipient const& to : mail.recipients()) {
        std::string const folder = into_->folder_of ? sinks::maildir_folder_name(into_->folder_of(mail, to)) : std::string{};
        group& named = recipients_.emplace_back();
        auto add = [&](std::size_t index) {
            if (std::find(named.begin(), named.end(), index) == named.end()) named.push_back(index);
        };
        bool const resolved = for_each_target(
            to, [&](std::string_view name) { add(target_for("=" + std::string(name), name, name, folder)); });
        if (!resolved) {
            unresolved_ = true;
            add(target_for("?" + std::string(to.local_part()) + "@" + std::string(to.domain()), to.wire(), {}, folder));
        }
    }
    write_heads(mail);
}

MAILQUAY_DECL maildir_message::~maildir_message() {
    for (target& one : targets_) {
        close(one);
        remove_from_tmp(one);
    }
}

MAILQUAY_DECL std::size_t maildir_message::target_for(std::string id, std::string_view shown, std::string_view mailbox,
                                                       std::string_view folder) {
    auto const [place, is_new] = by_id_.try_emplace(std::move(id), targets_.size());
    if (!is_new) return place->second;
    std::string maildir = into_->folder;
    if (into_->layout == sinks::maildir_layout::per_mailbox) maildir.append("/").append(safe_mailbox_name(mailbox));
    std::string in_maildir = folder.empty() ? maildir : std::string(maildir).append("/").append(folder);
    targets_.push_back({std::string(shown), std::move(maildir), std::move(in_maildir)});
    return targets_.size() - 1;
}

MAILQUAY_DECL void maildir_message::write_heads(transaction const& mail) {
    for (target& one : targets_) {
        append_return_path(one.head, mail.reverse_path().wire);
        append_delivered_to(one.head, one.shown);
        one.head.append(mail.received_field());
    }
}

MAILQUAY_DECL void maildir_message::delivered_before_to(std::string_view value) {
    for (target& one : targets_)
        if (iequals(one.shown, value)) one.failure = reject(replies::hop_limit);
}

MAILQUAY_DECL std::string maildir_message::in(target const& one, std::string_view sub_folder) const {
    return std::string(one.folder).append(sub_folder).append(one.name);
}

MAILQUAY_DECL void maildir_message::fail(target& one, std::error_code why) {
    if (!one.failure) one.failure = defer(storage_reply(why)).because("maildir: " + why.message());
}

MAILQUAY_DECL void maildir_message::close(target& one) noexcept {
    if (one.file >= 0) (void)into_->files->close(std::exchange(one.file, -1));
}

MAILQUAY_DECL void maildir_message::remove_from_tmp(target& one) noexcept {
    if (std::exchange(one.in_tmp, false)) (void)into_->files->remove(in(one, "/tmp/"));
}

MAILQUAY_DECL std::vector<bool> maildir_message::wanted(std::vector<group> const& groups) const {
    std::vector<bool> yes(targets_.size(), false);
    for (group const& one : groups) {
        bool const whole = std::none_of(one.begin(), one.end(), [&](std::size_t i) { return targets_[i].failure.has_value(); });
        if (!whole) continue;
        for (std::size_t i : one) yes[i] = true;
    }
    return yes;
}

MAILQUAY_DECL result<void> maildir_message::make_mailbox(target const& one) {
    file_operations& files = *into_->files;
    auto const make = [&](std::string const& folder) -> result<void> {
        for (char const* sub_folder : {"", "/tmp", "/new", "/cur"})
            if (auto made = files.make_folder(folder + sub_folder); !made) return made;
        return files.sync_folder(folder);
    };
    if (auto made = make(one.maildir); !made) return made;
    if (auto synced = files.sync_folder(into_->folder); !synced || one.folder == one.maildir) return synced;

    if (auto made = make(one.folder); !made) return made;
    auto mark = files.create(one.folder + "/maildirfolder");  // says that the folder is part of a maildir
    if (mark) {
        if (auto closed = files.close(*mark); !closed) return closed;
    } else if (mark.error().value() != EEXIST) {
        return mark.error();
    }
    if (auto synced = files.sync_folder(one.folder); !synced) return synced;
    return files.sync_folder(one.maildir);
}

MAILQUAY_DECL result<void> maildir_message::create(target& one) {
    for (int attempt = 0;; ++attempt) {
        one.name = into_->fresh_name();
        auto const made = into_->files->create(in(one, "/tmp/"));
        if (made) {
            one.file = *made;
            one.in_tmp = true;
            return {};
        }
        if (attempt == 3) return made.error();
        if (made.error().value() == ENOENT) {
            if (auto mailbox = make_mailbox(one); !mailbox) return mailbox;
        } else if (made.error().value() != EEXIST) {
            return made.error();
        }
    }
}

MAILQUAY_DECL verdict maildir_message::spill() {
    target& first = targets_.front();
    result<void> done;
    if (!spilled_) {
        done = create(first);
        std::array<std::string_view, 2> const pieces{first.head, buffer};
        if (done) done = into_->files->write(first.file, pieces);
    } else {
        std::array<std::string_view, 1> const pieces{buffer};
        done = into_->files->write(first.file, pieces);
    }
    spilled_ = true;
    spilled_octets_ += buffer.size();
    buffer.clear();
    if (!done) return defer(storage_reply(done.error())).because("maildir: " + done.error().message());
    return accept();
}

MAILQUAY_DECL result<void> maildir_message::write_whole(target& one) {
    file_operations& files = *into_->files;
    bool const is_first = &one == &targets_.front();
    if (spilled_ && is_first) return {};
    if (auto made = create(one); !made) return made;
    if (!spilled_) {
        std::array<std::string_view, 2> const pieces{one.head, buffer};
        return files.write(one.file, pieces);
    }
    std::array<std::string_view, 1> const head{one.head};
    if (auto written = files.write(one.file, head); !written) return written;
    target const& first = targets_.front();
    return files.copy(first.file, first.head.size(), one.file);
}

MAILQUAY_DECL result<void> maildir_message::finish_file(target& one) {
    if (auto synced = into_->files->sync(one.file); !synced) return synced;
    // Others are copied from the first file as long as there are any.
    if (spilled_ && &one == &targets_.front()) return {};
    return into_->files->close(std::exchange(one.file, -1));
}

MAILQUAY_DECL void maildir_message::ask_quota() {
    for (target& one : targets_) {
        if (one.failure) continue;
        verdict said = into_->quota(one.shown, one.head.size() + spilled_octets_ + buffer.size());
        if (said.refuses()) one.failure = std::move(said);
    }
}

MAILQUAY_DECL void maildir_message::write_all(std::vector<group> const& groups) {
    // Synced in batches: the journal of a file system then commits many files at once, and few descriptors are open.
    constexpr std::size_t batch = 16;
    if (spilled_ && !buffer.empty()) {
        verdict const rest = spill();
        if (rest.refuses()) {
            for (target& one : targets_)
                if (!one.failure) one.failure = rest;
            return;
        }
    }
    for (std::size_t from = 0; from < targets_.size(); from += batch) {
        std::size_t const to = std::min(from + batch, targets_.size());
        std::vector<bool> const yes = wanted(groups);
        for (std::size_t i = from; i < to; ++i) {
            if (!yes[i]) continue;
            if (auto written = write_whole(targets_[i]); !written) fail(targets_[i], written.error());
        }
        for (std::size_t i = from; i < to; ++i) {
            if (!yes[i] || targets_[i].failure) continue;
            if (auto finished = finish_file(targets_[i]); !finished) fail(targets_[i], finished.error());
        }
    }
    if (target& first = targets_.front(); first.file >= 0) {
        if (auto closed = into_->files->close(std::exchange(first.file, -1)); !closed) fail(first, closed.error());
    }
}

MAILQUAY_DECL result<void> maildir_message::move_to_new(target& one) {
    std::string const from = in(one, "/tmp/");
    for (int attempt = 0;; ++attempt) {
        std::string const in_tmp = one.name;
        if (attempt > 0) one.name = into_->fresh_name();
        auto moved = into_->files->move(from, in(one, "/new/"));
        if (moved) {
            one.in_tmp = false;
            one.in_new = true;
            return moved;
        }
        one.name = in_tmp;
        if (moved.error().value() != EEXIST || attempt == 3) return moved;
    }
}

MAILQUAY_DECL void maildir_message::take_back_unwanted(std::vector<group> const& groups) {
    std::vector<bool> const yes = wanted(groups);
    std::vector<std::string> changed;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        if (yes[i] || !targets_[i].in_new) continue;
        targets_[i].in_new = false;
        (void)into_->files->remove(in(targets_[i], "/new/"));
        changed.push_back(targets_[i].folder + "/new");
    }
    std::sort(changed.begin(), changed.end());
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
    for (std::string const& folder : changed) (void)into_->files->sync_folder(folder);
}

MAILQUAY_DECL void maildir_message::publish(std::vector<group> const& groups) {
    std::vector<bool> yes = wanted(groups);
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        if (!yes[i]) continue;
        if (auto moved = move_to_new(targets_[i]); !moved) {
            fail(targets_[i], moved.error());
            yes = wanted(groups);
        }
    }
    take_back_unwanted(groups);
    std::vector<target*> moved;
    for (target& one : targets_)
        if (one.in_new) moved.push_back(&one);
    std::sort(moved.begin(), moved.end(), [](target const* a, target const* b) { return a->folder < b->folder; });
    result<void> synced;
    for (std::size_t i = 0; i < moved.size(); ++i) {
        bool const other_folder = i == 0 || moved[i]->folder != moved[i - 1]->folder;
        if (other_folder) synced = into_->files->sync_folder(moved[i]->folder + "/new");
        if (!synced) fail(*moved[i], synced.error());
    }
    take_back_unwanted(groups);
}

MAILQUAY_DECL delivery maildir_message::commit_as(commit how) {
    group everybody(targets_.size());
    for (std::size_t i = 0; i < everybody.size(); ++i) everybody[i] = i;
    std::vector<group> const groups = how == commit::each ? recipients_ : std::vector<group>{everybody};

    if (into_->quota) ask_quota();
    write_all(groups);
    // The writer is gone when the time for an answer ran out: the client was told 451 and will come again.
    if (abandoned.load()) return delivery{defer(replies::local_error)};
    publish(groups);
    for (target& one : targets_) remove_from_tmp(one);
    into_->look_at_free_octets();
    settled.store(true);

    std::vector<verdict> told;
    for (group const& one : groups) {
        auto const failed = std::find_if(one.begin(), one.end(), [&](std::size_t i) { return targets_[i].failure.has_value(); });
        told.push_back(failed == one.end() ? accept() : *targets_[*failed].failure);
    }
    if (how == commit::all_or_none) return delivery{std::move(told.front())};
    return delivery{std::move(told)};
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
