// The component 'testing', compiled: the list of its parts.

#include <mailquay/testing/impl/fake_resolver.ipp>
