// The component 'server', compiled: the list of its parts in server/.

#include <mailquay/server/impl/admission.ipp>
#include <mailquay/server/impl/asio_loop.ipp>
#include <mailquay/server/impl/asio_reactor.ipp>
#include <mailquay/server/impl/connection.ipp>
#include <mailquay/server/impl/connection_log.ipp>
#include <mailquay/server/impl/epoll_reactor.ipp>
#include <mailquay/server/impl/hook_runner.ipp>
#include <mailquay/server/impl/listen_endpoint.ipp>
#include <mailquay/server/impl/listen_socket.ipp>
#include <mailquay/server/impl/listener.ipp>
#include <mailquay/server/impl/loop.ipp>
#include <mailquay/server/impl/memory_store.ipp>
#include <mailquay/server/impl/proxy_arrival.ipp>
#include <mailquay/server/impl/reactor.ipp>
#include <mailquay/server/impl/server.ipp>
#include <mailquay/server/impl/server_config.ipp>
#include <mailquay/server/impl/server_workers.ipp>
#include <mailquay/server/impl/shard.ipp>
#include <mailquay/server/impl/spooled_buffer.ipp>
#include <mailquay/server/impl/tls_transport.ipp>
#include <mailquay/server/impl/transport.ipp>
#include <mailquay/server/impl/worker_pool.ipp>
