// Whatever a disk makes of a record, reading it ends, and what is read can be written and read again.

#include <mailquay/sink/spool_record.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fuzz_spool_record {

using namespace mailquay;

void require(bool holds) {
    if (!holds) std::abort();
}

std::string written(stored_envelope const& one) {
    std::string fields;
    append_spool_envelope(fields, one.envelope);
    one.state.append_to(fields);
    return fields + one.unknown;
}

}  // namespace fuzz_spool_record

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_spool_record;
    std::string_view const input{reinterpret_cast<char const*>(data), size};

    if (auto const header = spool_record_header::read(input, 0)) {
        std::string again(spool_record_header::octets, '\0');
        header->write(again.data());
        require(spool_record_header::read(again, 0).has_value());
        require(header->record_octets() % 8 == 0);
    }
    std::size_t seen = 0;
    spool_fields fields{input};
    while (auto const field = fields.next()) seen += 6 + field->value.size();
    require(seen <= size && fields.complete() == (seen == size));

    std::string copied;
    copy_spool_envelope(copied, input);
    require(copied.size() <= size);
    auto const id = *transaction_id::parse("0123456789AB");
    auto const read = read_spool_envelope(input, id);
    if (!read) return 0;
    std::string const once = written(*read);
    auto const again = read_spool_envelope(once, id);
    require(again.has_value());
    require(written(*again) == once);
    return 0;
}
