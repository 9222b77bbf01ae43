// The component 'sink-sqlite', compiled: the list of its parts.

#include <mailquay/sink/impl/sqlite.ipp>
