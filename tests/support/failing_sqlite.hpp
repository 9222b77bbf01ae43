#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <stdexcept>

namespace mailquay_test {

/// While it lives, databases that are opened are on a disk that fails when told to: SQLite's own layer below, with faults.
///
/// One at a time. Thread safety: the members may be set at any time.
class failing_sqlite {
public:
    std::atomic<int> fail_sync{SQLITE_OK};   ///< what every sync answers
    std::atomic<int> fail_write{SQLITE_OK};  ///< what every write answers

    failing_sqlite() {
        only() = this;
        below_ = ::sqlite3_vfs_find(nullptr);
        if (below_ == nullptr) throw std::runtime_error("SQLite has no file system");
        layer_ = *below_;
        layer_.zName = "failing";
        layer_.pNext = nullptr;
        layer_.szOsFile += static_cast<int>(sizeof(file));
        layer_.xOpen = &open;
        ::sqlite3_vfs_register(&layer_, 1);
    }
    failing_sqlite(failing_sqlite const&) = delete;
    failing_sqlite& operator=(failing_sqlite const&) = delete;
    ~failing_sqlite() {
        ::sqlite3_vfs_unregister(&layer_);
        ::sqlite3_vfs_register(below_, 1);
        only() = nullptr;
    }

private:
    struct file {
        sqlite3_file base;
        sqlite3_io_methods methods;  // those of the file below, but for two
        sqlite3_file* below() noexcept { return reinterpret_cast<sqlite3_file*>(this + 1); }
    };

    static failing_sqlite*& only() noexcept {
        static failing_sqlite* one = nullptr;
        return one;
    }
    static sqlite3_file* below(sqlite3_file* one) noexcept { return reinterpret_cast<file*>(one)->below(); }

    static int open(sqlite3_vfs*, char const* name, sqlite3_file* to, int flags, int* given) {
        auto* const one = reinterpret_cast<file*>(to);
        one->base.pMethods = nullptr;
        int const opened = only()->below_->xOpen(only()->below_, name, one->below(), flags, given);
        if (one->below()->pMethods == nullptr) return opened;
        one->methods = make_methods(one->below()->pMethods->iVersion);
        one->base.pMethods = &one->methods;
        return opened;
    }
    static sqlite3_io_methods make_methods(int version) {
        sqlite3_io_methods made;
        std::memset(&made, 0, sizeof made);
        made.iVersion = version < 2 ? version : 2;  // without memory maps of the database itself
        made.xClose = [](sqlite3_file* f) { return below(f)->pMethods->xClose(below(f)); };
        made.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) { return below(f)->pMethods->xRead(below(f), to, n, at); };
        made.xWrite = [](sqlite3_file* f, void const* from, int n, sqlite3_int64 at) {
            int const failed = only()->fail_write.load();
            return failed != SQLITE_OK ? failed : below(f)->pMethods->xWrite(below(f), from, n, at);
        };
        made.xTruncate = [](sqlite3_file* f, sqlite3_int64 n) { return below(f)->pMethods->xTruncate(below(f), n); };
        made.xSync = [](sqlite3_file* f, int flags) {
            int const failed = only()->fail_sync.load();
            return failed != SQLITE_OK ? failed : below(f)->pMethods->xSync(below(f), flags);
        };
        made.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) { return below(f)->pMethods->xFileSize(below(f), n); };
        made.xLock = [](sqlite3_file* f, int how) { return below(f)->pMethods->xLock(below(f), how); };
        made.xUnlock = [](sqlite3_file* f, int how) { return below(f)->pMethods->xUnlock(below(f), how); };
        made.xCheckReservedLock = [](sqlite3_file* f, int* is) { return below(f)->pMethods->xCheckReservedLock(below(f), is); };
        made.xFileControl = [](sqlite3_file* f, int what, void* with) { return below(f)->pMethods->xFileControl(below(f), what, with); };
        made.xSectorSize = [](sqlite3_file* f) { return below(f)->pMethods->xSectorSize(below(f)); };
        made.xDeviceCharacteristics = [](sqlite3_file* f) { return below(f)->pMethods->xDeviceCharacteristics(below(f)); };
        made.xShmMap = [](sqlite3_file* f, int page, int n, int extend, void volatile** to) {
            return below(f)->pMethods->xShmMap(below(f), page, n, extend, to);
        };
        made.xShmLock = [](sqlite3_file* f, int at, int n, int flags) { return below(f)->pMethods->xShmLock(below(f), at, n, flags); };
        made.xShmBarrier = [](sqlite3_file* f) { below(f)->pMethods->xShmBarrier(below(f)); };
        made.xShmUnmap = [](sqlite3_file* f, int remove) { return below(f)->pMethods->xShmUnmap(below(f), remove); };
        return made;
    }

    sqlite3_vfs* below_ = nullptr;
    sqlite3_vfs layer_{};
};

}  // namespace mailquay_test
