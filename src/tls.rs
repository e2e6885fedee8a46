//! Which cryptography TLS uses.

/// Makes `ring` the cryptography of all TLS in this process. `main` calls it before anything else: whoever opens a TLS
/// connection before that would stop the program.
pub fn use_ring() {
    // It fails only where a provider was set before, which then stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
