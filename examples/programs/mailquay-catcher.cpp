// A developer's inbox: takes every message, whoever it is for, and shows it on the terminal.
//
//   mailquay-catcher --listen 127.0.0.1:2525 --save caught
#include <mailquay/base/scrub.hpp>
#include <mailquay/message/header_walker.hpp>

#include "common/serve.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <system_error>

namespace {

using namespace mailquay;

// What a client sent must not steer the terminal.
std::string printable(std::string_view text) { return scrub(text, 4096); }

// What the client asked of delivery (DSN), behind the address that it asked it for.
std::string asked(delivery_request const& of) {
    std::string text;
    if (of.ret != dsn_return::unsaid) text += fmt::format(" RET={}", to_string(of.ret));
    if (!of.envid.empty()) text += fmt::format(" ENVID={}", printable(of.envid));
    return text;
}
std::string asked(recipient_request const& of) {
    std::string text;
    if (of.notify != dsn_notify::unsaid) text += fmt::format(" NOTIFY={}", to_string(of.notify));
    if (!of.original.empty()) text += fmt::format(" ORCPT={};{}", of.original.type, printable(of.original.address));
    return text;
}

// Envelope, header and size, as one text.
std::string described(received_message const& mail) {
    envelope const& outside = mail.envelope;
    std::string text =
        fmt::format("message   {}\nclient    {} [{}]\nfrom      <{}>{}\n", outside.id, printable(outside.hello_name),
                    outside.client.address.to_string(), printable(outside.reverse_path), asked(outside.requests));
    for (envelope_recipient const& to : outside.recipients)
        text += fmt::format("to        <{}>{}\n", printable(to.address), asked(to.requests));

    header_walker header{mail.octets};
    std::size_t ours = 0;  // octets of the Received field that we put on top
    for (header_field const& field : header) {
        if (ours == 0) {
            ours = field.whole.size();
            continue;
        }
        std::string const line =
            field.is_malformed() ? std::string(field.value) : fmt::format("{}: {}", field.name, unfold(field.value));
        text += "  " + printable(line) + '\n';
    }
    return text + fmt::format("size      {} octets, {} of them header\n\n", mail.octets.size() - ours,
                              header.position() - ours);
}

// Writes DIR/<id>.eml: first under another name, so that whoever waits for it never sees half of it.
void save(std::filesystem::path const& folder, received_message const& mail) {
    auto const name = folder / (mail.envelope.id + ".eml");
    auto const unfinished = folder / (mail.envelope.id + ".part");
    std::FILE* const file = std::fopen(unfinished.c_str(), "wbx");
    auto const failure = [] { return std::system_error{errno, std::generic_category(), "saving a message"}; };
    if (file == nullptr) throw failure();
    bool const written = std::fwrite(mail.octets.data(), 1, mail.octets.size(), file) == mail.octets.size();
    if (bool const closed = std::fclose(file) == 0; !written || !closed) {
        auto const why = failure();
        std::filesystem::remove(unfinished);
        throw why;
    }
    std::filesystem::rename(unfinished, name);
}

}  // namespace

int main(int argc, char** argv) {
    return programs::run_server_main("mailquay-catcher", [&] {
        programs::settings chosen;
        chosen.log_level = log_level::warning;
        std::string folder;
        programs::flags all{"mailquay-catcher",
                            "Takes every message and shows its envelope, header and size on standard output."};
        all.value("--save", "DIR", "also write each message to DIR/<id>.eml, below our Received field as it came",
                  [&](std::string_view name) {
                      if (name.empty())
                          throw programs::usage_error("the name is empty; name a folder, or leave the flag out");
                      folder = name;
                  });
        programs::add_common_flags(all, chosen);
        programs::parse_or_exit(all, argc, argv);
        if (!folder.empty()) {
            std::error_code failed;
            std::filesystem::create_directories(folder, failed);
            if (failed)
                throw programs::usage_error(fmt::format(
                    "--save {}: {}; name a folder that is there or can be made", folder, failed.message()));
        }

        // Files and terminals block: both are for the workers, several of which may be at it at once.
        std::mutex one_at_a_time;
        auto const show = [&](received_message const& mail) {
            if (!folder.empty()) save(folder, mail);
            std::string const text = described(mail);
            std::lock_guard const only{one_at_a_time};
            std::fwrite(text.data(), 1, text.size(), stdout);
            std::fflush(stdout);
        };
        std::uint64_t const largest = chosen.max_size != 0 ? chosen.max_size : std::uint64_t{1} << 40;
        return programs::serve(chosen, [&](server& to) {
            to.recipients([](transaction const&, recipient const&) { return accept(); }).sink(offloaded(show, largest));
        });
    });
}
