// The component 'relay', compiled: the list of its parts.

#include <mailquay/relay/impl/carrier.ipp>
#include <mailquay/relay/impl/destination.ipp>
#include <mailquay/relay/impl/mx_finder.ipp>
#include <mailquay/relay/impl/notice_jobs.ipp>
#include <mailquay/relay/impl/queue_attempts.ipp>
#include <mailquay/relay/impl/queue_deadlines.ipp>
#include <mailquay/relay/impl/queue_notices.ipp>
#include <mailquay/relay/impl/queue_places.ipp>
#include <mailquay/relay/impl/queue_runner.ipp>
#include <mailquay/relay/impl/recipient_verifier.ipp>
#include <mailquay/relay/impl/relay_now.ipp>
#include <mailquay/relay/impl/schedule.ipp>
#include <mailquay/relay/impl/smtp_carrier.ipp>
