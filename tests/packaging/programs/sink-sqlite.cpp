// A program on mailquay::sink-sqlite.
#include <mailquay/sink/sqlite.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>

#include <unistd.h>

int main() {
    char folder[] = "/tmp/mailquay-packaging-XXXXXX";
    if (::mkdtemp(folder) == nullptr) return 1;
    std::string const file = std::string(folder) + "/mail.db";
    int failed = 0;
    {
        mailquay::sinks::sqlite const sink{file};
        if (!sink.promised().binary) failed = 2;
        if (::access(file.c_str(), R_OK) != 0) failed = 3;
    }
    try {
        mailquay::sinks::sqlite const nowhere{std::string(folder) + "/no/such/mail.db"};
        failed = 4;
    } catch (std::runtime_error const&) {
    }
    for (char const* suffix : {"", "-wal", "-shm"}) (void)::unlink((file + suffix).c_str());
    (void)::rmdir(folder);
    if (failed == 0) std::puts("sink-sqlite: all is well");
    return failed;
}
