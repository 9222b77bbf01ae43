// The component 'server', compiled: the list of its parts in sink/.

#include <mailquay/sink/impl/discard.ipp>
#include <mailquay/sink/impl/files.ipp>
#include <mailquay/sink/impl/header_prepend.ipp>
#include <mailquay/sink/impl/maildir.ipp>
#include <mailquay/sink/impl/maildir_message.ipp>
#include <mailquay/sink/impl/mbox.ipp>
#include <mailquay/sink/impl/offloaded.ipp>
#include <mailquay/sink/impl/tee.ipp>
#include <mailquay/sink/impl/wait_for_done.ipp>
