// The component 'server', compiled: the list of its parts that make the spool.

#include <mailquay/sink/impl/spool.ipp>
#include <mailquay/sink/impl/spool_commit.ipp>
#include <mailquay/sink/impl/spool_control.ipp>
#include <mailquay/sink/impl/spool_engine.ipp>
#include <mailquay/sink/impl/spool_envelope.ipp>
#include <mailquay/sink/impl/spool_housekeeping.ipp>
#include <mailquay/sink/impl/spool_index.ipp>
#include <mailquay/sink/impl/spool_journal.ipp>
#include <mailquay/sink/impl/spool_queue.ipp>
#include <mailquay/sink/impl/spool_reader.ipp>
#include <mailquay/sink/impl/spool_record.ipp>
#include <mailquay/sink/impl/spool_rescue.ipp>
#include <mailquay/sink/impl/spool_damage.ipp>
#include <mailquay/sink/impl/spool_writer.ipp>
