//! One provider of cryptography for all connections: ring.

/// Makes ring the process's provider, unless it has one already. To be called before a client is built.
pub(crate) fn provide() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
