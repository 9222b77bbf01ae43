// The component 'store-sqlite', compiled: the list of its parts.

#include <mailquay/store/impl/sqlite.ipp>
